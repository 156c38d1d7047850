#!/bin/bash
# A shard of a crashrate job. Slurm runs this script once for each shard. It runs it again, on
# another node, if the node fails or the job is preempted (--requeue).
#SBATCH --job-name=@name@
#SBATCH --array=1-@shards@
#SBATCH --chdir=@job@
#SBATCH --output=logs/shard-%a.out
# Keep the output of the first start when the shard is requeued.
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --partition=@partition@
#SBATCH --account=@account@
#SBATCH --time=@time@
# Before the time limit, signal this script alone, which becomes crashrate by `exec`: it starts no
# more rounds, and those that run can end. Left out if --time is less than 5 minutes.
#SBATCH --signal=@signal@
#SBATCH --cpus-per-task=@cpus@
#SBATCH --mem=@memory@
#SBATCH --gpus=@gpus@
#SBATCH @sbatch@

cd @directory@ || exit

# --continue resumes the run of this shard, if there is one. It waits while another task has it: a
# node that lost its network may still run the old one.
# --report-only: crashes do not make the shard fail. The merge job has the verdict.
exec @crashrate@ run @plan@ --shard "$SLURM_ARRAY_TASK_ID"/@shards@ --continue --report-only --quiet --runs-dir @runs@ @run-options@
