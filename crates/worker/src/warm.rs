//! What a zygote does before it forks: what the first operations of every attempt would cost, is paid once.
//!
//! By the rules of `crashrate-zygote`: one thread, no random draws, no device. libtorch's own threads wait for the
//! children: OpenMP that has had several threads before a fork hangs after it.

use anyhow::Result;
use crashrate_protocol::env;
use tch::{Device, Kind, Tensor};

use crate::caught::caught;
use crate::device;
use crate::encoder::{Encoder, Forward, Layer, Sizes};

/// So small that no operation is worth a second thread.
const SIZES: Sizes = Sizes {
    d_model: 16,
    heads: 2,
    feed_forward: 32,
    layers: 1,
};

/// Has libtorch do a bit of everything on the CPU, in this thread alone. Returns how many threads it would take for an
/// operation in a process that was executed.
pub(crate) fn warm_up() -> i32 {
    let threads = tch::get_num_threads();
    tch::set_num_threads(1);
    // What cannot be done here is a matter of the attempts.
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
