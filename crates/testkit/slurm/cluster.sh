#!/bin/bash
# A real Slurm cluster on one machine. Every node is a host: it has a network, PID, UTS and mount
# namespace of its own. The nodes share the file system, as on a cluster with a shared disk.
#     cluster.sh DIR NODES CPUS SLURMD_TIMEOUT
# Needs root, and Debian's packages slurmctld, slurmd, slurm-client, munge and iproute2. It uses
# neither systemd nor files in /etc.
#
# Prints `ready PREFIX` when all nodes are idle, then reads commands from standard input:
#     off N       powers node N off: all its processes die at once
#     cut N       cuts the network of node N off; its processes live on
#     join N      joins the network again
# It ends at the end of its input, and removes everything. A test that is killed closes the input.
set -euo pipefail

dir=$(realpath -m "$1") nodes=$2 cpus=$3 timeout=$4
# Short: names of interfaces have at most 15 characters.
prefix=cr$$
exec 3>&1 1>&2

pid_of() { cat "$dir/run/$1.pid" 2>/dev/null || true; }

# All processes of a host are in its PID namespace, whose init is the child of `unshare`.
init_of() {
    local holder
    holder=$(pid_of "host.$1")
    [[ -n $holder ]] && cat "/proc/$holder/task/$holder/children" 2>/dev/null || true
}

power_off() {
    local init
    init=$(init_of "$1")
    [[ -z $init ]] || kill -9 $init 2>/dev/null || true
}

clean_up() {
    set +e
    local processes
    processes=$(pid_of munged)
    for host in ctl $(seq "$nodes"); do processes+=" $(init_of "$host")"; done
    kill -9 $processes 2>/dev/null
    wait 2>/dev/null
    # A killed process may take a moment to end.
    for try in $(seq 100); do
        kill -0 $processes 2>/dev/null || break
        sleep 0.05
    done
    for host in ctl $(seq "$nodes") sw; do
        ip netns del "$prefix-$host" 2>/dev/null
    done
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# A switch that exists only in its own namespace, so that no address of the machine changes.
make_network() {
    ip netns add "$prefix-sw"
    ip -n "$prefix-sw" link add br0 type bridge
    ip -n "$prefix-sw" link set br0 up
    attach ctl 0
    for node in $(seq "$nodes"); do attach "$node" "$node"; done
}

attach() { # HOST NUMBER: addresses of TEST-NET-2 (RFC 5737)
    ip netns add "$prefix-$1"
    ip -n "$prefix-sw" link add "p$2" type veth peer name eth0 netns "$prefix-$1"
    ip -n "$prefix-sw" link set "p$2" master br0 up
    ip -n "$prefix-$1" addr add "198.51.100.$((10 + $2))/24" dev eth0
    ip -n "$prefix-$1" link set eth0 up
    ip -n "$prefix-$1" link set lo up
}

write_configuration() {
    mkdir -p "$dir"/{state,log,run,spool}
    chmod 755 "$dir"
    dd if=/dev/urandom of="$dir/munge.key" bs=1024 count=1 status=none
    chmod 400 "$dir/munge.key"
    echo "CgroupPlugin=cgroup/v1" >"$dir/cgroup.conf"
    cat >"$dir/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=ctl(198.51.100.10)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge.sock,cred_expire=5
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.%n.log
SlurmctldDebug=info
SlurmdDebug=info
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
# Jobs start at once; a node that is back within the timeout keeps its jobs.
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=5,sched_min_interval=100000
PriorityType=priority/basic
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
JobRequeue=1
SlurmctldTimeout=10
SlurmdTimeout=$timeout
MessageTimeout=5
InactiveLimit=0
KillWait=5
MinJobAge=300
CONF
    for node in $(seq "$nodes"); do
        echo "NodeName=n$node NodeAddr=198.51.100.$((10 + node)) CPUs=$cpus RealMemory=4000 State=UNKNOWN"
    done >>"$dir/slurm.conf"
    echo "PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP" >>"$dir/slurm.conf"
}

start() { # HOST HOSTNAME COMMAND...
    local host=$1 name=$2
    shift 2
    ip netns exec "$prefix-$host" unshare --uts --pid --fork --mount --mount-proc --kill-child \
        bash -c "hostname $name; exec $*" </dev/null >>"$dir/log/$name.out" 2>&1 3>&- &
    echo $! >"$dir/run/host.$host.pid"
}

make_network
write_configuration
export SLURM_CONF=$dir/slurm.conf
munged --force --key-file="$dir/munge.key" --socket="$dir/run/munge.sock" \
    --pid-file="$dir/run/munged.pid" --log-file="$dir/log/munged.log" \
    --seed-file="$dir/run/munge.seed" 3>&-
start ctl ctl slurmctld -D -c
for node in $(seq "$nodes"); do start "$node" "n$node" slurmd -D; done

# A deadline and not a number of tries: sinfo may wait long for a slurmctld that does not answer.
idle_nodes() {
    timeout 5 ip netns exec "$prefix-ctl" sinfo --noheader --Node --format %t 2>/dev/null | grep -cx idle || true
}
until [[ $(idle_nodes) == "$nodes" ]]; do
    if ((SECONDS >= 60)); then
        tail "$dir"/log/*
        exit 1
    fi
    sleep 0.1
done
echo "ready $prefix" >&3

while read -r command node; do
    case $command in
    off) power_off "$node" ;;
    cut) ip -n "$prefix-sw" link set "p$node" down ;;
    join) ip -n "$prefix-sw" link set "p$node" up ;;
    esac
    echo "done $command $node" >&3
done
