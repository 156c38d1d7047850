// A table is published before it is filled.
#include "racy.h"

struct Table {
    const char **names;
};

static Table *volatile tables[40];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static Table *filled(Table *table) {
    const char **names = (const char **)malloc(16 * sizeof(char *));
    for (int i = 0; i < 16; i++) {
        names[i] = "name";
    }
    table->names = names;
    return table;
}

static Table *get(int index) {
    if (is_fixed) {
        pthread_mutex_lock(&lock);
    }
    if (tables[index] == NULL) {
        Table *table = (Table *)calloc(1, sizeof(Table));
        if (is_fixed) {
            tables[index] = filled(table);
        } else {
            tables[index] = table;
            filled(table);
        }
    }
    Table *table = tables[index];
    if (is_fixed) {
        pthread_mutex_unlock(&lock);
    }
    return table;
}

static void *use(void *) {
    unsigned long length = 0;
    for (int i = 0; i < 40; i++) {
        nap_us(50 + random_below(200));
        length += strlen(get(i)->names[i % 16]);
    }
    return (void *)length;
}

int main(int argc, char **argv) {
    begin(argc, argv);
    pthread_t one = start(use, NULL);
    pthread_t two = start(use, NULL);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
}
