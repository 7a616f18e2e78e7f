// Helpers for all fuzz targets: a limit of memory by the size of the input, and checks of messages.
// Include in the one source file of a target.
#pragma once

#include <sanitizer/allocator_interface.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cvt/error.hpp>
#include <cvt/version.hpp>

#include "numbers.hpp"

extern "C" {
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
int LLVMFuzzerInitialize(int* argc, char*** argv);
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed);
}

namespace cvt_fuzz {

/// Ends the run if `good` is false; libFuzzer then keeps the input.
inline void require(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "fuzz: %s\n", what);
    std::abort();
}

/// Counts the bytes that are allocated between begin() and finish(), by malloc and new.
struct memory {
    static inline bool counting = false;
    static inline std::ptrdiff_t held = 0, peak = 0;

    static void allocated(const volatile void*, std::size_t size) {
        if (!counting) return;
        held += static_cast<std::ptrdiff_t>(size);
        peak = held > peak ? held : peak;
    }
    static void released(const volatile void* p) {
        if (counting && p != nullptr) held -= static_cast<std::ptrdiff_t>(__sanitizer_get_allocated_size(p));
    }
    static void begin() {
        held = peak = 0;
        counting = true;
    }
    /// Checks that the peak is at most `factor` bytes per byte of the input plus 128 KiB.
    static void finish(std::size_t input, std::size_t factor) {
        counting = false;
        if (peak <= static_cast<std::ptrdiff_t>(factor * input + (128U << 10))) return;
        std::fprintf(stderr, "fuzz: %td bytes held at once for an input of %zu bytes\n", peak, input);
        std::abort();
    }
};

/// Checks that an error has a message without control characters.
inline int refused(const cvt::error& e) {
    memory::counting = false;
    const std::string_view text = e.what();
    require(text.size() > 8 && text.size() < cvt::error::capacity, "a refusal without a message");
    for (const char c : text) require(static_cast<unsigned char>(c) >= ' ' && c != 0x7F, "a control character in a message");
    return 0;
}

/// Random numbers for the mutators, from the seed of libFuzzer.
class dice {
public:
    explicit dice(unsigned seed) : state_{seed * 0x9E3779B97F4A7C15ULL + 1} {}
    std::size_t below(std::size_t n) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return n == 0 ? 0 : static_cast<std::size_t>(state_ >> 11) % n;
    }

private:
    std::uint64_t state_;
};

/// Returns `part` after one of libFuzzer's mutations, with at most `capacity` bytes more.
inline std::string mutated(std::string part, std::size_t capacity) {
    const std::size_t size = part.size();
    part.resize(size + capacity);
    part.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(part.data()), size, part.size()));
    return part;
}

/// Replaces the input by `fresh`, or mutates the input if `fresh` is empty or does not fit.
inline std::size_t replace(std::uint8_t* data, std::size_t size, std::size_t max_size, const std::string& fresh) {
    if (fresh.empty() || fresh.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
    fresh.copy(reinterpret_cast<char*>(data), fresh.size());
    return fresh.size();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }
inline std::span<const std::byte> bytes_of(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

}  // namespace cvt_fuzz

int LLVMFuzzerInitialize(int*, char***) {
    cvt_fuzz::require(__sanitizer_install_malloc_and_free_hooks(cvt_fuzz::memory::allocated, cvt_fuzz::memory::released) != 0,
                      "no hooks for allocations");
    return 0;
}
