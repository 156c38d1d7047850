// A constructor starts a thread that uses a member which is set afterwards.
#include "racy.h"

struct Handler {
    virtual ~Handler() {}
    virtual void handle() { count++; }
    unsigned count = 0;
};

struct Server {
    Handler *volatile handler = nullptr;
    pthread_t thread;

    Server() {
        if (is_fixed) {
            handler = new Handler;
        }
        thread = start(serve, this);
        if (!is_fixed) {
            handler = new Handler;
        }
    }

    ~Server() {
        pthread_join(thread, nullptr);
        delete handler;
    }

    static void *serve(void *self) {
        nap_us(200);
        ((Server *)self)->handler->handle();
        return nullptr;
    }
};

int main(int argc, char **argv) {
    begin(argc, argv);
    for (int i = 0; i < 30; i++) {
        Server server;
        nap_us(50);
    }
}
