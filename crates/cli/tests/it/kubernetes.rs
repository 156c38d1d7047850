//! Jobs of Kubernetes, with a program in place of `kubectl`. No cluster is needed.

use crate::slurm_commands::called;
use crate::util::{Done, Place};

const SUITE: &str = r#"
[[chapter]]
id = "x"
rounds = 4
command = ["true"]
"#;

/// A place with a suite, and a `kubectl` that prints the file `pods` if it is asked for a job.
fn place(pods: &str) -> Place {
    let place = Place::new();
    place.suite(SUITE);
    place.write("pods", pods);
    let at = place.path().display();
    let script = format!(
        "#!/bin/sh\necho kubectl \"$@\" >> {at}/called\n[ \"$1\" = get ] && cat {at}/pods\nexit 0\n"
    );
    place.program("bin/kubectl", &script);
    place
}

fn crashrate(place: &Place, line: &str) -> Done {
    let args: Vec<&str> = line.split(' ').collect();
    let path = format!("{}:/usr/bin:/bin", place.path().join("bin").display());
    let mut command = place.command(&args);
    place.start(command.env("PATH", path)).wait()
}

const SUBMIT: &str = "submit suite.toml --on kubernetes --shards 2 --image i --volume claim";

#[test]
fn a_job_on_the_mounted_volume_is_seen_and_resumed() {
    let place = place("2/0///");
    crashrate(&place, &format!("{SUBMIT} --job vol/mine")).expect(0);
    for file in ["shards.yaml", "merge.yaml"] {
        let text = std::fs::read_to_string(place.path().join("vol/mine").join(file)).unwrap();
        assert!(text.contains("subPath: mine\n"), "{text}");
    }
    let status = crashrate(&place, "status vol/mine").expect(0).stdout;
    assert_eq!(status.matches("waiting").count(), 2, "{status}");
    // What the pod of the first shard runs.
    let shard = "run suite.toml --plan-file vol/mine/plan.json --continue --runs-dir vol/mine/runs";
    crashrate(&place, &format!("{shard} --shard 1/2")).expect(0);
    place.write("pods", "1/1/1//");
    let status = crashrate(&place, "status vol/mine").expect(0).stdout;
    assert!(
        status.contains("pods: 1 active, 1 succeeded, 0 failed"),
        "{status}"
    );
    assert!(status.contains("2 of 4 rounds have a result"), "{status}");
    let refused = crashrate(&place, "submit --resume vol/mine").expect(96);
    let problem = "have not ended: 1 left; wait, or cancel the job with `kubectl delete job";
    assert!(refused.stderr.contains(problem), "{}", refused.stderr);
    assert!(!called(&place).contains("replace"));
    place.write("pods", "//1/4/FailureTarget Failed");
    let over = crashrate(&place, "status vol/mine --watch")
        .expect(0)
        .stdout;
    assert!(over.contains("missing"), "{over}");
    crashrate(&place, "submit --resume vol/mine").expect(0);
    assert!(called(&place).contains("kubectl replace --force --filename shards.yaml"));
}

#[test]
fn a_job_whose_volume_is_not_mounted_says_where_its_rounds_are() {
    let place = place("2/2///");
    crashrate(&place, SUBMIT).expect(0);
    let status = crashrate(&place, "status").expect(0).stdout;
    assert_eq!(status.matches("unknown").count(), 2, "{status}");
    assert!(
        status.contains("pods: 2 active, 0 succeeded, 0 failed"),
        "{status}"
    );
    let place_of_rounds = "of the volume claim `claim`";
    assert!(status.contains(place_of_rounds), "{status}");
    let stopped = crashrate(&place, "status --stop").expect(121);
    assert!(
        stopped.stderr.contains(place_of_rounds),
        "{}",
        stopped.stderr
    );
    place.write("pods", "//2//SuccessCriteriaMet Complete");
    let over = crashrate(&place, "status --watch").expect(0).stdout;
    assert!(over.contains("merge   kubectl apply -f "), "{over}");
    assert!(
        !over.contains("missing") && !over.contains("resume"),
        "{over}"
    );
    place.write("pods", "//1/3/FailureTarget Failed");
    let over = crashrate(&place, "status --watch").expect(0).stdout;
    assert!(
        over.contains("the pods have ended, 3 of them failed\nresume  "),
        "{over}"
    );
}

#[test]
fn a_pod_is_named_by_its_node() {
    let place = place("");
    let mut command = place.command(&["run", "suite.toml"]);
    place
        .start(command.env("CRASHRATE_HOST", "node-7"))
        .wait()
        .expect(0);
    assert_eq!(place.journal().opened[0].run.machine["host"], "node-7");
}

#[test]
fn a_refused_job_is_deleted_before_its_folder() {
    for (fails, problem, is_deleted, is_left) in [
        ("create", "timed out", true, false),
        ("create|delete", "timed out", true, true),
        ("create", "(AlreadyExists)", false, false),
    ] {
        let place = place("");
        let at = place.path().display();
        let script = format!(
            "#!/bin/sh\necho kubectl \"$@\" >> {at}/called\n\
             case $1 in {fails}) echo '{problem}' >&2; exit 1;; esac\n"
        );
        place.program("bin/kubectl", &script);
        let done = crashrate(&place, &format!("{SUBMIT} --job vol/mine")).expect(96);
        assert!(done.stderr.contains(problem), "{}", done.stderr);
        let called = called(&place);
        let delete = "kubectl delete --ignore-not-found --cascade=foreground";
        assert_eq!(called.contains(delete), is_deleted, "{called}");
        assert_eq!(place.path().join("vol/mine").exists(), is_left, "{fails}");
        let advice = "Kubernetes may have the job; delete it: kubectl delete";
        assert_eq!(done.stderr.contains(advice), is_left, "{}", done.stderr);
    }
}
