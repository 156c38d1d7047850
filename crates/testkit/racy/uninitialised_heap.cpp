// A field of a new node is not set. That shows only if another thread has freed the memory before.
#include "racy.h"
#include <atomic>

struct Node {
    uint64_t key;
    uint64_t values[4];
    void (*hook)(Node *);
};

static std::atomic<char *> returned{nullptr};
static std::atomic<bool> stop{false};

static void *write_texts(void *) {
    while (!stop) {
        char *text = (char *)malloc(sizeof(Node));
        memset(text, 'x', sizeof(Node));
        nap_us(100 + random_below(100));
        free(returned.exchange(text));
    }
    free(returned.exchange(nullptr));
    return nullptr;
}

int main(int argc, char **argv) {
    begin(argc, argv);
    pthread_t writer = start(write_texts, nullptr);
    for (int i = 0; i < 100; i++) {
        nap_us(50 + random_below(100));
        // Rarely the main thread gives a text back, too.
        if (random_below(30000) == 0) {
            free(returned.exchange(nullptr));
        }
        Node *node = (Node *)malloc(sizeof(Node));
        node->key = i;
        if (is_fixed) {
            node->hook = NULL;
        }
        if (node->hook != NULL) {
            node->hook(node);
        }
        free(node);
    }
    stop = true;
    pthread_join(writer, nullptr);
}
