// Replaces the global operator new, also aligned and nothrow: counts allocations, fills them with NaN, and can be made to fail.
// Include in one source file of a program.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

namespace cvt_test {

struct allocations {
    static inline std::atomic<long> count{0};
    static inline std::atomic<std::size_t> bytes{0};  ///< total of all allocations, freed or not
    /// Number of non-throwing allocations that still succeed; negative: all. The library has only those, the test framework none.
    static inline std::atomic<long> left{-1};

    static void* get(std::size_t size, std::size_t alignment) noexcept {
        ++count;
        bytes += size;
        void* p = nullptr;
        if (posix_memalign(&p, alignment < sizeof(void*) ? sizeof(void*) : alignment, size == 0 ? 1 : size) != 0) return nullptr;
        return std::memset(p, 0xFF, size);  // as floats these bytes are NaN
    }
    static void* get_or_fail(std::size_t size, std::size_t alignment) noexcept {
        if (left == 0) return nullptr;
        if (left > 0) --left;
        return get(size, alignment);
    }
    static void* get_or_throw(std::size_t size, std::size_t alignment) {
        if (void* p = get(size, alignment)) return p;
        throw std::bad_alloc{};
    }
};

}  // namespace cvt_test

// All forms, because a sanitizer's array forms do not call the others. Not inlined, so that the compiler sees matching pairs.
#define CVT_TEST_NEW __attribute__((noinline))
CVT_TEST_NEW void* operator new(std::size_t n) { return cvt_test::allocations::get_or_throw(n, alignof(std::max_align_t)); }
CVT_TEST_NEW void* operator new(std::size_t n, std::align_val_t a) {
    return cvt_test::allocations::get_or_throw(n, static_cast<std::size_t>(a));
}
CVT_TEST_NEW void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
    return cvt_test::allocations::get_or_fail(n, alignof(std::max_align_t));
}
CVT_TEST_NEW void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return cvt_test::allocations::get_or_fail(n, static_cast<std::size_t>(a));
}
CVT_TEST_NEW void operator delete(void* p) noexcept { std::free(p); }
CVT_TEST_NEW void operator delete(void* p, std::size_t) noexcept { std::free(p); }
CVT_TEST_NEW void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
CVT_TEST_NEW void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
CVT_TEST_NEW void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
CVT_TEST_NEW void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }
CVT_TEST_NEW void* operator new[](std::size_t n) { return cvt_test::allocations::get_or_throw(n, alignof(std::max_align_t)); }
CVT_TEST_NEW void* operator new[](std::size_t n, std::align_val_t a) {
    return cvt_test::allocations::get_or_throw(n, static_cast<std::size_t>(a));
}
CVT_TEST_NEW void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
    return cvt_test::allocations::get_or_fail(n, alignof(std::max_align_t));
}
CVT_TEST_NEW void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return cvt_test::allocations::get_or_fail(n, static_cast<std::size_t>(a));
}
CVT_TEST_NEW void operator delete[](void* p) noexcept { std::free(p); }
CVT_TEST_NEW void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
CVT_TEST_NEW void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
CVT_TEST_NEW void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
CVT_TEST_NEW void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
CVT_TEST_NEW void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }
#undef CVT_TEST_NEW
