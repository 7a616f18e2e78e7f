// What every fuzz target shares: memory counted against the size of the input, and messages that a terminal can show.
// For the one source of a target.
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

/// Ends the run, and libFuzzer keeps the input.
inline void require(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "fuzz: %s\n", what);
    std::abort();
}

/// Bytes held by what runs between begin() and finish(), through malloc and new alike.
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
    /// At most `factor` bytes for each byte of the input, and 128 KiB besides.
    static void finish(std::size_t input, std::size_t factor) {
        counting = false;
        if (peak <= static_cast<std::ptrdiff_t>(factor * input + (128U << 10))) return;
        std::fprintf(stderr, "fuzz: %td bytes held at once for an input of %zu bytes\n", peak, input);
        std::abort();
    }
};

/// A refusal says something, in one line that no terminal obeys.
inline int refused(const cvt::error& e) {
    memory::counting = false;
    const std::string_view text = e.what();
    require(text.size() > 8 && text.size() < cvt::error::capacity, "a refusal without a message");
    for (const char c : text) require(static_cast<unsigned char>(c) >= ' ' && c != 0x7F, "a control character in a message");
    return 0;
}

/// Numbers for the mutators, from the seed that libFuzzer gives.
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

/// `part` after one of libFuzzer's own mutations, with up to `room` bytes more.
inline std::string mutated(std::string part, std::size_t room) {
    const std::size_t size = part.size();
    part.resize(size + room);
    part.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(part.data()), size, part.size()));
    return part;
}

/// Writes `fresh` over the input, or mutates the input as it is when `fresh` does not fit.
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
