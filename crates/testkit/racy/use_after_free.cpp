// A worker says that it is done with a job before its last use of it.
#include "racy.h"
#include <atomic>

static volatile unsigned finished;

struct Job {
    virtual ~Job() {}
    virtual void finish() { *total = *total + 1; }
    volatile unsigned *total = &finished;
    std::atomic<bool> done{false};
};

static std::atomic<Job *> inbox{nullptr};
static std::atomic<bool> stop{false};

static void *work(void *) {
    while (!stop) {
        Job *job = inbox.exchange(nullptr);
        if (job == nullptr) {
            sched_yield();
            continue;
        }
        compute(200 + random_below(400));
        if (is_fixed) {
            job->finish();
            job->done = true;
        } else {
            job->done = true;
            compute(30);
            job->finish();
        }
    }
    return nullptr;
}

int main(int argc, char **argv) {
    begin(argc, argv);
    pthread_t worker = start(work, nullptr);
    for (int i = 0; i < 80; i++) {
        Job *job = new Job;
        inbox = job;
        while (!job->done) {
            nap_us(20);
        }
        delete job;
    }
    stop = true;
    pthread_join(worker, nullptr);
}
