// A signal handler uses the current entry, which the main program has freed but not replaced yet.
#include "racy.h"
#include <signal.h>
#include <sys/time.h>

struct Entry {
    virtual ~Entry() {}
    virtual unsigned size() { return bytes; }
    unsigned bytes = 1;
};

static Entry *volatile current;
static volatile unsigned reported;

static void report(int) {
    if (Entry *entry = current) {
        reported = reported + entry->size();
    }
}

int main(int argc, char **argv) {
    begin(argc, argv);
    current = new Entry;
    struct sigaction action = {};
    action.sa_handler = report;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    itimerval every = {{0, 300}, {0, 300}};
    setitimer(ITIMER_REAL, &every, NULL);
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    for (int i = 0; i < 100; i++) {
        compute(20000 + random_below(20000));
        Entry *last = current;
        if (is_fixed) {
            sigprocmask(SIG_BLOCK, &alarm, NULL);
        }
        delete last;
        current = new Entry;
        if (is_fixed) {
            sigprocmask(SIG_UNBLOCK, &alarm, NULL);
        }
    }
    itimerval never = {};
    setitimer(ITIMER_REAL, &never, NULL);
    delete current;
}
