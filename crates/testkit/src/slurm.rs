//! A real Slurm cluster for tests: several hosts in namespaces of this machine.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use nix::unistd::geteuid;

/// Longest wait for the script. It gives a cluster up after 60 s.
const LONGEST: Duration = Duration::from_secs(90);

/// A cluster with the nodes `n1`, `n2` and so on. It is removed when this is dropped, and also when
/// the test is killed: the script ends when its input does.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    prefix: String,
    script: Child,
    commands: Option<ChildStdin>,
    answers: Receiver<String>,
}

/// The size of a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub nodes: u32,
    /// CPUs of a node, and so the shards that it runs at the same time.
    pub cpus: u32,
    /// Seconds without a sign of life after which a node counts as down.
    pub timeout_secs: u32,
}

impl Cluster {
    /// Why no cluster can be started here, if so.
    pub fn why_not() -> Option<String> {
        const PROGRAMS: [&str; 7] = [
            "slurmctld",
            "slurmd",
            "sbatch",
            "munged",
            "ip",
            "unshare",
            "bash",
        ];
        if !geteuid().is_root() {
            return Some("only root can make network namespaces".to_owned());
        }
        let is_missing = |program: &&&str| {
            let found = Command::new("sh")
                .args(["-c", "command -v \"$0\"", program])
                .output();
            !found.is_ok_and(|done| done.status.success())
        };
        if let Some(program) = PROGRAMS.iter().find(is_missing) {
            return Some(format!(
                "{program} is missing: install slurmctld slurmd slurm-client munge iproute2"
            ));
        }
        let made = Command::new("unshare")
            .args(["--net", "--uts", "--pid", "--fork", "--mount-proc", "true"])
            .output();
        let is_allowed = made.is_ok_and(|done| done.status.success());
        (!is_allowed).then(|| "`unshare --net --pid` is not allowed here".to_owned())
    }

    /// Starts a cluster with its files in a folder, and waits until its nodes are idle.
    ///
    /// # Errors
    /// It does not start. The error has the end of its log.
    pub fn start(folder: &Path, size: Size) -> io::Result<Cluster> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("slurm/cluster.sh");
        std::fs::create_dir_all(folder)?;
        let log = folder.join("cluster.log");
        let mut script = Command::new(script)
            .arg(folder)
            .args([size.nodes, size.cpus, size.timeout_secs].map(|n| n.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()?;
        let commands = script.stdin.take();
        let answers = script.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut cluster = Cluster {
            folder: folder.to_owned(),
            prefix: String::new(),
            script,
            commands,
            answers: lines(answers),
        };
        let answer = cluster.answer()?;
        match answer.strip_prefix("ready ") {
            Some(prefix) => cluster.prefix = prefix.to_owned(),
            None => {
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(io::Error::other(format!("no cluster: {log}")));
            }
        }
        Ok(cluster)
    }

    fn answer(&self) -> io::Result<String> {
        match self.answers.recv_timeout(LONGEST) {
            Ok(line) => Ok(line),
            // The script has ended.
            Err(RecvTimeoutError::Disconnected) => Ok(String::new()),
            Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    fn order(&mut self, command: &str, node: u32) -> io::Result<()> {
        let order = format!("{command} {node}\n");
        let commands = self.commands.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        commands.write_all(order.as_bytes())?;
        match self.answer()?.is_empty() {
            true => Err(io::ErrorKind::UnexpectedEof.into()),
            false => Ok(()),
        }
    }

    /// Powers a node off: all its processes die.
    ///
    /// # Errors
    /// The cluster is gone.
    pub fn power_off(&mut self, node: u32) -> io::Result<()> {
        self.order("off", node)
    }

    /// Cuts the network of a node off. Its processes live on, and still reach the shared disk.
    ///
    /// # Errors
    /// The cluster is gone.
    pub fn cut(&mut self, node: u32) -> io::Result<()> {
        self.order("cut", node)
    }

    /// Joins the network of a node again.
    ///
    /// # Errors
    /// The cluster is gone.
    pub fn join(&mut self, node: u32) -> io::Result<()> {
        self.order("join", node)
    }

    /// Lets a command run where Slurm's commands work.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside
            .args(["netns", "exec", &format!("{}-ctl", self.prefix)])
            .arg(command.get_program())
            .args(command.get_args())
            .env("SLURM_CONF", self.folder.join("slurm.conf"));
        if let Some(directory) = command.get_current_dir() {
            inside.current_dir(directory);
        }
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }

    /// The logs of Slurm, for a test that failed.
    pub fn logs(&self) -> String {
        let log = self.folder.join("log/slurmctld.log");
        std::fs::read_to_string(log).unwrap_or_default()
    }
}

/// The lines that the script prints. Reading a pipe has no time limit, so a thread does it.
fn lines(output: ChildStdout) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let read = BufReader::new(output).lines().map_while(Result::ok);
        read.map(|line| sender.send(line)).all(|sent| sent.is_ok())
    });
    lines
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.commands = None;
        // The script removes the cluster before it ends.
        let _ = self.script.wait();
    }
}
