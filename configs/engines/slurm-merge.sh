#!/bin/bash
# Merges the shards of a crashrate job. It starts when all shards have ended, in whatever way
# (afterany, which `crashrate submit` adds). Its exit code is the verdict; 106 if a block is missing.
# --sbatch, --memory and --time are for the shards.
#SBATCH --job-name=@name@-merge
#SBATCH --chdir=@job@
#SBATCH --output=logs/merge.out
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --partition=@partition@
#SBATCH --account=@account@
#SBATCH --cpus-per-task=1
#SBATCH --mem=@small-memory@

exec @crashrate@ merge @runs@ --output @merged@
