// A waiter looks at a flag and waits, not knowing that it was set in between. What it then takes for
// an answer is none.
#include "racy.h"
#include <errno.h>

struct Answer {
    unsigned value;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_answer = PTHREAD_COND_INITIALIZER;
static Answer answer = {7};
static Answer *volatile slot;
static volatile int asked;

static void *answer_all(void *) {
    for (int i = 1; i <= 25; i++) {
        while (__atomic_load_n(&asked, __ATOMIC_SEQ_CST) < i) {
            nap_us(30);
        }
        compute(random_below(4000));
        if (is_fixed) {
            pthread_mutex_lock(&lock);
        }
        slot = &answer;
        pthread_cond_signal(&has_answer);
        if (is_fixed) {
            pthread_mutex_unlock(&lock);
        }
    }
    return NULL;
}

static Answer *wait_for_answer() {
    timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_nsec += 300 * 1000000;
    limit.tv_sec += limit.tv_nsec / 1000000000;
    limit.tv_nsec %= 1000000000;
    Answer *got = NULL;
    pthread_mutex_lock(&lock);
    while (is_fixed && slot == NULL) {
        pthread_cond_wait(&has_answer, &lock);
    }
    int timed_out = 0;
    if (slot == NULL) {
        timed_out = pthread_cond_timedwait(&has_answer, &lock, &limit);
    }
    if (timed_out == 0) {
        got = slot;
    }
    slot = NULL;
    pthread_mutex_unlock(&lock);
    return got;
}

int main(int argc, char **argv) {
    begin(argc, argv);
    pthread_t thread = start(answer_all, NULL);
    unsigned sum = 0;
    for (int i = 1; i <= 25; i++) {
        __atomic_store_n(&asked, i, __ATOMIC_SEQ_CST);
        nap_us(40 + random_below(40));
        sum += wait_for_answer()->value;
    }
    pthread_join(thread, NULL);
    return sum == 175 ? 0 : 1;
}
