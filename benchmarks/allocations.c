/* Counts the blocks that Python allocates, by stage of the thread that asks.

   Python.h is not needed: the structure is part of its stable documentation
   (PyMemAllocatorEx). Objects from free lists (small tuples, floats) allocate no block. */

#include <stdatomic.h>
#include <stddef.h>

typedef struct {
    void *context;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
} Allocator;

extern void PyMem_GetAllocator(int domain, Allocator *);
extern void PyMem_SetAllocator(int domain, Allocator *);

enum { MEM = 1, OBJ = 2, STAGES = 8 };
static Allocator before[3];
static atomic_long counts[STAGES];
static _Thread_local int stage;

static void *count_malloc(void *own, size_t size) {
    atomic_fetch_add_explicit(&counts[stage], 1, memory_order_relaxed);
    Allocator *real = own;
    return real->malloc(real->context, size);
}

static void *count_calloc(void *own, size_t number, size_t size) {
    atomic_fetch_add_explicit(&counts[stage], 1, memory_order_relaxed);
    Allocator *real = own;
    return real->calloc(real->context, number, size);
}

static void *count_realloc(void *own, void *block, size_t size) {
    if (!block)
        atomic_fetch_add_explicit(&counts[stage], 1, memory_order_relaxed);
    Allocator *real = own;
    return real->realloc(real->context, block, size);
}

static void count_free(void *own, void *block) {
    Allocator *real = own;
    real->free(real->context, block);
}

void install(void) {
    for (int domain = MEM; domain <= OBJ; domain++) {
        PyMem_GetAllocator(domain, &before[domain]);
        Allocator counting = {&before[domain], count_malloc, count_calloc,
                              count_realloc, count_free};
        PyMem_SetAllocator(domain, &counting);
    }
}

int enter(int next) {
    int last = stage;
    stage = next;
    return last;
}

long count(int of) { return atomic_load(&counts[of]); }
