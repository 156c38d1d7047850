// A lock-free stack whose nodes are freed at once: its head may point to a node that was freed and
// allocated again.
#include "racy.h"

struct Node {
    Node *next;
    uint64_t value;
};

static Node *head;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void push(Node *node) {
    if (is_fixed) {
        pthread_mutex_lock(&lock);
    }
    node->next = __atomic_load_n(&head, __ATOMIC_SEQ_CST);
    while (!__atomic_compare_exchange_n(&head, &node->next, node, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
    }
    if (is_fixed) {
        pthread_mutex_unlock(&lock);
    }
}

static Node *pop() {
    if (is_fixed) {
        pthread_mutex_lock(&lock);
    }
    Node *top = __atomic_load_n(&head, __ATOMIC_SEQ_CST);
    while (top != NULL) {
        Node *next = top->next;
        compute(15);
        if (__atomic_compare_exchange_n(&head, &top, next, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            break;
        }
    }
    if (is_fixed) {
        pthread_mutex_unlock(&lock);
    }
    return top;
}

static void *use(void *) {
    for (int i = 0; i < 100; i++) {
        nap_us(20 + random_below(60));
        Node *one = pop();
        Node *two = pop();
        free(one);
        free(two);
        for (int k = 0; k < 2; k++) {
            Node *node = (Node *)malloc(sizeof(Node));
            node->value = k;
            push(node);
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    begin(argc, argv);
    for (int i = 0; i < 8; i++) {
        push((Node *)malloc(sizeof(Node)));
    }
    pthread_t threads[3];
    for (pthread_t &thread : threads) {
        thread = start(use, NULL);
    }
    for (pthread_t thread : threads) {
        pthread_join(thread, NULL);
    }
    while (Node *node = pop()) {
        free(node);
    }
}
