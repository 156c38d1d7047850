//! The warm-up of a zygote: pays once for what the first operations of every attempt would cost.
//!
//! It follows the rules of `crashrate-zygote`: one thread, no random numbers, no device. OpenMP
//! that has had several threads before a fork hangs after it, so only children use libtorch's
//! threads.

use anyhow::Result;
use crashrate_protocol::env;
use tch::{Device, Kind, Tensor};

use crate::caught::caught;
use crate::device;
use crate::encoder::{Encoder, Layer, Sizes};
use crate::repeat::Forward;

/// So small that no operation is worth a second thread.
const SIZES: Sizes = Sizes {
    d_model: 16,
    heads: 2,
    feed_forward: 32,
    layers: 1,
};

/// Runs some of each kind of operation on the CPU in this thread. Returns the number of
/// intra-operation threads that an executed process would use.
pub(crate) fn warm_up() -> i32 {
    let threads = tch::get_num_threads();
    tch::set_num_threads(1);
    // Whatever fails here will fail in the attempts, which report it.
    let _ = caught(touch);
    if std::env::var(env::DEVICE).is_ok_and(|device| device.starts_with("cuda")) {
        device::load_cuda_library();
    }
    threads
}

fn touch() -> Result<()> {
    let _no_grad = tch::no_grad_guard();
    let ones = |shape: &[i64]| Ok(Tensor::f_ones(shape, (Kind::Float, Device::Cpu))?);
    let layer = Layer::from_named(SIZES, |_, shape| ones(shape))?;
    let encoder = Encoder::of(vec![layer]);
    let output = encoder.forward(&ones(&[2, 4, SIZES.d_model])?)?;
    let product = output.f_matmul(&ones(&[SIZES.d_model, SIZES.d_model])?)?;
    let difference = product.f_sub(&product)?.f_abs()?;
    difference.f_max()?.f_double_value(&[])?;
    difference.f_mean(Kind::Double)?.f_double_value(&[])?;
    Ok(())
}
