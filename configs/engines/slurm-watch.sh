#!/bin/bash
# Watches a crashrate job with a stopping rule (--until, --gate). It cancels the shards with scancel
# once their combined results decide. It needs a CPU beside those of the shards. --sbatch, --memory and
# --time are for the shards: they would give it a node or a GPU, or end it while shards wait.
#SBATCH --job-name=@name@-watch
#SBATCH --chdir=@job@
#SBATCH --output=logs/watch.out
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@60
#SBATCH --partition=@partition@
#SBATCH --account=@account@
#SBATCH --cpus-per-task=1
#SBATCH --mem=@small-memory@

# At the time limit of a partition the watch is put back into the queue.
trap 'scontrol requeue "$SLURM_JOB_ID"; wait' USR1
@crashrate@ status @job@ --watch --stop &
wait $!
