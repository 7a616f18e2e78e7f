// Makes the n-th allocation fail, by malloc (stdio, stb_image, Eigen, threads) or operator new, and counts blocks that are not
// freed. Include in one source file of a program.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#if __has_include(<mm_malloc.h>)
#include <mm_malloc.h>  // clang's declares posix_memalign without noexcept, which is allowed only before our definition
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CVT_TEST_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CVT_TEST_SANITIZED
#endif

#if defined(__GLIBC__) && !defined(CVT_TEST_SANITIZED) && !defined(CVT_TEST_STATIC) && !defined(CVT_PORTABLE_ONLY)

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace cvt_test {

struct failing_memory {
    static constexpr bool counts_blocks = true;
    static inline std::atomic<long> left{-1};     // allocations that still succeed; negative: all
    static inline std::atomic<bool> once{false};  // whether allocations after the failed one succeed again
    static inline std::atomic<bool> hit{false};   // whether an allocation has failed
    static inline std::atomic<long> blocks{0};

    static void fail_after(long count, bool only_one) {
        hit = false;
        once = only_one;
        left = count;
    }
    static void stop() { left = -1; }

    static bool refuses() noexcept {
        if (left < 0) return false;
        if (left > 0) {
            --left;
            return false;
        }
        hit = true;
        if (once) left = -1;
        errno = ENOMEM;
        return true;
    }
    static void* counted(void* p) noexcept {
        if (p != nullptr) ++blocks;
        return p;
    }
};

}  // namespace cvt_test

extern "C" {
void* malloc(std::size_t n) noexcept {
    using m = cvt_test::failing_memory;
    return m::refuses() ? nullptr : m::counted(__libc_malloc(n));
}
void* calloc(std::size_t n, std::size_t each) noexcept {
    using m = cvt_test::failing_memory;
    return m::refuses() ? nullptr : m::counted(__libc_calloc(n, each));
}
void* realloc(void* p, std::size_t n) noexcept {
    using m = cvt_test::failing_memory;
    if (m::refuses()) return nullptr;
    return p == nullptr ? m::counted(__libc_malloc(n)) : __libc_realloc(p, n);
}
void* memalign(std::size_t alignment, std::size_t n) noexcept {
    using m = cvt_test::failing_memory;
    return m::refuses() ? nullptr : m::counted(__libc_memalign(alignment, n));
}
void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept { return memalign(alignment, n); }
int posix_memalign(void** p, std::size_t alignment, std::size_t n) noexcept {
    void* const block = memalign(alignment, n);
    if (block == nullptr) return ENOMEM;
    *p = block;
    return 0;
}
void free(void* p) noexcept {
    if (p != nullptr) --cvt_test::failing_memory::blocks;
    __libc_free(p);
}
}

#else  // a sanitizer needs its own malloc, and finds leaks itself; a static glibc has its own; other C libraries have no second names

#include "counted_new.hpp"

namespace cvt_test {

struct failing_memory {
    static constexpr bool counts_blocks = false;
    static inline long blocks = 0;
    static inline bool hit = false;

    static void fail_after(long count, bool) {
        hit = false;
        allocations::left = count;
    }
    static void stop() {
        hit = hit || allocations::left == 0;  // the last allowed allocation may have been the last one needed: one more round
        allocations::left = -1;
    }
};

}  // namespace cvt_test

#endif
