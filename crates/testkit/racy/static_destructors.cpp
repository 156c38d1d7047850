// A thread still uses a global table while the process destroys it at its exit.
#include "racy.h"
#include <atomic>

struct Entry {
    virtual ~Entry() {}
    virtual unsigned size() { return bytes; }
    unsigned bytes = 40;
};

struct Registry {
    Entry *entries[100];

    Registry() {
        for (Entry *&entry : entries) {
            entry = new Entry;
        }
    }

    ~Registry() {
        for (Entry *entry : entries) {
            delete entry;
        }
    }
};

static Registry registry;
static std::atomic<bool> stop{false};

static void *look_up(void *) {
    static volatile unsigned sum;
    while (!stop) {
        nap_us(1000 + random_below(2000));
        sum = sum + registry.entries[random_below(100)]->size();
    }
    return nullptr;
}

int main(int argc, char **argv) {
    begin(argc, argv);
    pthread_t thread = start(look_up, nullptr);
    nap_us(5000 + random_below(5000));
    if (is_fixed) {
        stop = true;
        pthread_join(thread, nullptr);
    }
    return 0;
}
