//! Reads any bytes as events of a child and as the task line of a worker. The events must not
//! depend on how the bytes are split into chunks.
#![no_main]

use crashrate_model::Mode;
use crashrate_protocol::{Event, EventReader, Task};
use crashrate_supervisor::outcome::Transcript;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let (events, garbage) = read(bytes.chunks(usize::from(piece).max(1)));
    assert_eq!(read([bytes].into_iter()), (events.clone(), garbage));
    for mode in [Mode::Isolated, Mode::Sequential] {
        let chapters = ["a", "b"].map(str::to_owned);
        let mut transcript = Transcript::new(chapters, mode);
        for (at, event) in events.iter().enumerate() {
            transcript.push(event.clone(), at as f64);
        }
    }
    if let Ok(task) = serde_json::from_slice::<Task>(bytes) {
        assert!(serde_json::to_string(&task).is_ok());
    }
});

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Option<String>) {
    let (mut reader, mut events) = (EventReader::new(), Vec::new());
    for piece in pieces {
        reader.push(piece, |event| events.push(event));
    }
    (events, reader.finish())
}
