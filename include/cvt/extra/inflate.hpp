// Unpacks the beginning of a zlib stream into a small buffer: enough for a PNG's text chunks, without a library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// RFC 1951, bit by bit. Stops when the output is full or the input ends or is invalid; size() bytes are written by then.
class inflater {
public:
    inflater(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) noexcept : in_{in}, out_{out} {
        constexpr std::size_t zlib_header = 2;
        if (in.size() < zlib_header || (in[0] & 15U) != 8) return;
        at_ = std::uint64_t{8} * zlib_header;
        for (bool last = false; !last && good_;) {
            last = bits(1) != 0;
            block(bits(2));
        }
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    /// A canonical Huffman code: the number of codes of each length, and the symbols in order.
    struct code {
        std::uint16_t counts[16] = {}, symbols[288] = {};

        void build(const std::uint8_t* lengths, unsigned n) noexcept {
            for (unsigned i = 0; i < n; ++i) ++counts[lengths[i]];
            counts[0] = 0;
            std::uint16_t next[16] = {};
            for (unsigned i = 1; i < 16; ++i) next[i] = static_cast<std::uint16_t>(next[i - 1] + counts[i - 1]);
            for (unsigned i = 0; i < n; ++i)
                if (lengths[i] != 0) symbols[next[lengths[i]]++] = static_cast<std::uint16_t>(i);
        }
    };

    void fail() noexcept { good_ = false; }
    unsigned bits(unsigned count) noexcept {
        unsigned value = 0;
        good_ = good_ && std::uint64_t{8} * in_.size() - at_ >= count;
        for (unsigned i = 0; i < count && good_; ++i, ++at_)
            value |= (unsigned{in_[static_cast<std::size_t>(at_ / 8)]} >> (at_ % 8) & 1U) << i;
        return value;
    }
    unsigned symbol(const code& c) noexcept {
        unsigned value = 0, first = 0, index = 0;
        for (unsigned length = 1; length < 16 && good_; ++length) {
            value = value << 1 | bits(1);
            const unsigned count = c.counts[length];
            if (value < first + count) return c.symbols[index + (value - first)];
            index += count;
            first = (first + count) << 1;
        }
        fail();
        return 0;
    }
    void put(std::uint8_t byte) noexcept {
        good_ = good_ && size_ != out_.size();
        if (good_) out_[size_++] = byte;
    }

    void block(unsigned type) noexcept {
        if (type == 0) return stored();
        if (type == 3) return fail();
        std::uint8_t lengths[320] = {};
        unsigned literals = 288, others = 30;
        if (type == 1) {
            for (unsigned i = 0; i < 318; ++i)
                lengths[i] = static_cast<std::uint8_t>(i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : i < 288 ? 8 : 5);
        } else {
            literals = bits(5) + 257, others = bits(5) + 1;
            if (literals > 286 || others > 30 || !read_lengths(lengths, literals + others)) return fail();
        }
        code symbols, distances;
        symbols.build(lengths, literals);
        distances.build(lengths + literals, others);
        copies(symbols, distances);
    }
    void stored() noexcept {
        at_ = (at_ + 7) / 8 * 8;
        const unsigned count = bits(16);
        bits(16);
        for (unsigned i = 0; i < count && good_; ++i) put(static_cast<std::uint8_t>(bits(8)));
    }
    bool read_lengths(std::uint8_t* lengths, unsigned n) noexcept {
        constexpr std::uint8_t order[]{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
        const unsigned count = bits(4) + 4;
        std::uint8_t of_lengths[19] = {};
        for (unsigned i = 0; i < count; ++i) of_lengths[order[i]] = static_cast<std::uint8_t>(bits(3));
        code c;
        c.build(of_lengths, 19);
        for (unsigned i = 0; i < n && good_;) {
            const unsigned what = symbol(c);
            if (what < 16) {
                lengths[i++] = static_cast<std::uint8_t>(what);
                continue;
            }
            if (what == 16 && i == 0) return false;
            const std::uint8_t again = what == 16 ? lengths[i - 1] : std::uint8_t{0};
            unsigned times = what == 16 ? 3 + bits(2) : what == 17 ? 3 + bits(3) : 11 + bits(7);
            if (times > n - i) return false;
            for (; times != 0; --times) lengths[i++] = again;
        }
        return good_;
    }
    void copies(const code& symbols, const code& distances) noexcept {
        constexpr std::uint16_t base[]{3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                       31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
        constexpr std::uint8_t more[]{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
        while (good_) {
            const unsigned what = symbol(symbols);
            if (!good_ || what == 256) return;
            if (what < 256) {
                put(static_cast<std::uint8_t>(what));
                continue;
            }
            if (what > 285) return fail();
            const unsigned length = base[what - 257] + bits(more[what - 257]), place = symbol(distances);
            if (place > 29) return fail();
            const unsigned extra = place < 2 ? 0 : place / 2 - 1;
            const std::size_t back = (place < 2 ? place : (2 + place % 2) << extra) + 1 + bits(extra);
            if (back > size_) return fail();
            for (unsigned i = 0; i < length && good_; ++i) put(out_[size_ - back]);
        }
    }

    std::span<const std::uint8_t> in_;
    std::span<std::uint8_t> out_;
    std::uint64_t at_ = 0;  ///< in bits
    std::size_t size_ = 0;
    bool good_ = true;
};

}  // namespace detail
CVT_NAMESPACE_END
