// A count of references that is not atomic: an increment gets lost, and the last user but one frees.
#include "racy.h"

struct Texture {
    virtual ~Texture() {}
    virtual unsigned draw() { return pixels[3]; }
    volatile int references = 1;
    unsigned pixels[8] = {};
};

static Texture *texture;

static void acquire() {
    if (is_fixed) {
        __atomic_fetch_add(&texture->references, 1, __ATOMIC_SEQ_CST);
    } else {
        texture->references = texture->references + 1;
    }
}

static void release() {
    int left;
    if (is_fixed) {
        left = __atomic_sub_fetch(&texture->references, 1, __ATOMIC_SEQ_CST);
    } else {
        left = texture->references - 1;
        texture->references = left;
    }
    if (left == 0) {
        delete texture;
    }
}

static void *use(void *) {
    for (int i = 0; i < 30; i++) {
        nap_us(50 + random_below(150));
        acquire();
        texture->draw();
        compute(50);
        release();
    }
    return nullptr;
}

int main(int argc, char **argv) {
    begin(argc, argv);
    texture = new Texture;
    pthread_t one = start(use, nullptr);
    pthread_t two = start(use, nullptr);
    pthread_join(one, nullptr);
    pthread_join(two, nullptr);
    release();
}
