//! Development only: misbehaving programs and golden-file helpers.
