//! `crashes RUN N` shows source lines, but only of the program that crashed.

use std::process::Command;

use crate::util::Place;

const SOURCE: &str = "static inline __attribute__((always_inline)) void deep(volatile int *p) {
  *p = 1;
}
__attribute__((noinline)) void bug(void) {
  deep((volatile int *)8);
  __asm__ volatile(\"\");
}
int main(void) {
  bug();
  return 0;
}
";

fn compile(place: &Place, options: &[&str]) {
    let mut command = Command::new("cc");
    command.args(["-g", "-fno-optimize-sibling-calls", "-o", "dies", "dies.c"]);
    let status = command.args(options).current_dir(place.path()).status();
    assert!(status.expect("a C compiler is needed").success());
}

#[test]
fn a_stack_has_source_lines_until_the_program_is_replaced() {
    for build_id in ["-Wl,--build-id=sha1", "-Wl,--build-id=none"] {
        let place = Place::new();
        place.write("dies.c", SOURCE);
        compile(&place, &["-O1", build_id]);
        place
            .crashrate(&["run", "--rounds", "1", "--", "./dies"])
            .expect(100);
        let shown = || {
            place
                .crashrate(&["crashes", "latest", "1"])
                .expect(0)
                .stdout
        };
        let text = shown();
        let file = |line: u32| format!("{}:{line}", place.path().join("dies.c").display());
        let bug = format!("dies!bug  {}, inlined at {}\n", file(2), file(5));
        assert!(text.contains(&bug), "{build_id}: {text}");
        assert!(
            text.contains(&format!("dies!main  {}\n", file(9))),
            "{text}"
        );
        compile(&place, &["-O2", build_id]);
        let text = shown();
        assert!(!text.contains("dies.c:"), "{build_id}: {text}");
    }
}
