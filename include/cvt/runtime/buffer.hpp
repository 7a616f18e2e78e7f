// buffer<T>: the array that owns the library's memory: aligned, growable; a failed allocation is a return value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#if defined(__linux__) && __has_include(<sys/mman.h>) && !defined(CVT_PORTABLE_ONLY)
#include <sys/mman.h>
#endif

#include "../error.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Asks for huge pages, before the memory is touched, if it is large enough. They cause fewer page faults while weights are packed, and
/// fewer TLB misses while they are read. This is only a hint: a refusal changes nothing. CVT_PORTABLE_ONLY leaves it out, and everything
/// else in the library that only some systems have.
inline void prefer_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(MADV_HUGEPAGE) && !defined(CVT_PORTABLE_ONLY)
    constexpr std::size_t page = std::size_t{2} << 20;
    const std::size_t skipped = (page - reinterpret_cast<std::uintptr_t>(memory) % page) % page;
    if (bytes < skipped + page) return;
    [[maybe_unused]] const int refused = ::madvise(static_cast<char*>(memory) + skipped, (bytes - skipped) / page * page, MADV_HUGEPAGE);
#endif
}

/// A growable array of trivial elements on a 64-byte boundary. Not std::vector, which would end a host without exceptions
/// when memory runs out.
template <class T>
class buffer {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

public:
    buffer() noexcept = default;
    buffer(buffer&& other) noexcept { take(other); }
    buffer& operator=(buffer&& other) noexcept {
        if (this != &other) {
            release();
            take(other);
        }
        return *this;
    }
    ~buffer() { release(); }

    /// Sets the size to `count` and keeps the elements that fit; new elements are not initialised. Returns false and
    /// changes nothing when memory runs out. `count` has 64 bits, so that no caller has to cut it.
    [[nodiscard]] bool resize(std::uint64_t count) noexcept {
        if (count > capacity_ && !reserve(count)) return false;
        size_ = static_cast<std::size_t>(count);
        return true;
    }

    [[nodiscard]] bool push_back(const T& value) noexcept {
        const T copy = value;  // `value` may be an element of this buffer
        if (size_ == capacity_ && !reserve(capacity_ < 8 ? 8 : std::uint64_t{capacity_} * 2)) return false;
        data_[size_++] = copy;
        return true;
    }

    [[nodiscard]] bool append(const T* values, std::size_t count) noexcept {
        if (count == 0) return true;
        if (count > std::numeric_limits<std::size_t>::max() / sizeof(T) - size_) return false;
        const std::size_t needed = size_ + count;
        const std::uint64_t twice = std::uint64_t{capacity_} * 2;
        if (needed > capacity_ && !reserve(needed > twice ? needed : twice)) return false;
        std::memcpy(static_cast<void*>(data_ + size_), values, count * sizeof(T));
        size_ = needed;
        return true;
    }

    void clear() noexcept { size_ = 0; }
    void release() noexcept {
        if (data_ != nullptr) ::operator delete (static_cast<void*>(data_), std::align_val_t{alignment});
        data_ = nullptr;
        size_ = capacity_ = 0;
    }

    [[nodiscard]] T* data() noexcept { return data_; }
    [[nodiscard]] const T* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    T& operator[](std::size_t i) noexcept { return data_[i]; }
    const T& operator[](std::size_t i) const noexcept { return data_[i]; }
    T* begin() noexcept { return data_; }
    T* end() noexcept { return data_ + size_; }
    const T* begin() const noexcept { return data_; }
    const T* end() const noexcept { return data_ + size_; }

private:
    static constexpr std::size_t alignment = alignof(T) > 64 ? alignof(T) : 64;

    // Without std::exchange: a buffer is moved for dozens of element types, and each would pay for its templates.
    void take(buffer& other) noexcept {
        data_ = other.data_;
        size_ = other.size_;
        capacity_ = other.capacity_;
        other.data_ = nullptr;
        other.size_ = other.capacity_ = 0;
    }

    bool reserve(std::uint64_t wanted) noexcept {
        if (wanted > std::numeric_limits<std::size_t>::max() / 2 / sizeof(T)) return false;
        const auto count = static_cast<std::size_t>(wanted);
        void* fresh = ::operator new (count * sizeof(T), std::align_val_t{alignment}, std::nothrow);
        if (fresh == nullptr) return false;
        prefer_huge_pages(fresh, count * sizeof(T));
        if (size_ != 0) std::memcpy(fresh, static_cast<const void*>(data_), size_ * sizeof(T));
        if (data_ != nullptr) ::operator delete (static_cast<void*>(data_), std::align_val_t{alignment});
        data_ = static_cast<T*>(fresh);
        capacity_ = count;
        return true;
    }

    T* data_ = nullptr;
    std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace detail
CVT_NAMESPACE_END
