// nearest_double: the double nearest to a decimal number, in integer arithmetic: exact, for every locale, without allocation.
#pragma once

#include <bit>
#include <cstdint>

#include "../../version.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// A natural number of at most 3072 bits. The largest that nearest_double needs has 771 decimal digits: 2562 bits.
class big_natural {
public:
    explicit big_natural(std::uint32_t value) noexcept { multiply_add(0, value); }

    /// this = this * factor + addend; the factor of a number that is not 0 must not be 0.
    void multiply_add(std::uint32_t factor, std::uint32_t addend) noexcept {
        std::uint64_t carry = addend;
        for (int i = 0; i < size_; ++i) {
            carry += std::uint64_t{word_[i]} * factor;
            word_[i] = static_cast<std::uint32_t>(carry);
            carry >>= 32;
        }
        if (carry != 0) word_[size_++] = static_cast<std::uint32_t>(carry);
    }
    void multiply_by_power_of_5(int power) noexcept {
        constexpr std::uint32_t power_13 = 1220703125;
        for (; power >= 13; power -= 13) multiply_add(power_13, 0);
        for (; power > 0; --power) multiply_add(5, 0);
    }
    void shift_left(int bits) noexcept {
        const int words = bits / 32, rest = bits % 32;
        for (int i = size_ - 1; i >= 0; --i) word_[i + words] = word_[i];
        for (int i = 0; i < words; ++i) word_[i] = 0;
        size_ = size_ == 0 ? 0 : size_ + words;
        if (rest != 0) multiply_add(std::uint32_t{1} << rest, 0);
    }
    /// this = this - other, which must not be larger.
    void subtract(const big_natural& other) noexcept {
        std::uint64_t borrow = 0;
        for (int i = 0; i < size_; ++i) {
            const std::uint64_t difference = std::uint64_t{word_[i]} - (i < other.size_ ? other.word_[i] : 0) - borrow;
            word_[i] = static_cast<std::uint32_t>(difference);
            borrow = difference >> 63;
        }
        while (size_ > 0 && word_[size_ - 1] == 0) --size_;
    }
    /// Returns -1, 0 or 1.
    [[nodiscard]] int compare(const big_natural& other) const noexcept {
        if (size_ != other.size_) return size_ < other.size_ ? -1 : 1;
        for (int i = size_ - 1; i >= 0; --i)
            if (word_[i] != other.word_[i]) return word_[i] < other.word_[i] ? -1 : 1;
        return 0;
    }
    [[nodiscard]] int bit_length() const noexcept { return size_ == 0 ? 0 : 32 * size_ - std::countl_zero(word_[size_ - 1]); }

private:
    std::uint32_t word_[96];  // the lowest first; only size_ of them are set
    int size_ = 0;            // without leading zeros
};

/// Converts a number of JSON's grammar to the nearest double, ties to even: -12.5e3. False if it is beyond the range: the result would
/// be infinite, or 0 although the number is not. std::from_chars of a double is missing from libc++ before version 20, and std::strtod
/// depends on the locale.
inline bool nearest_double(const char* at, const char* end, double& out) noexcept {
    // No double and no midpoint of two has more than 767 significant digits. Beyond 770 it only matters whether one is not 0.
    constexpr int max_digits = 770;
    constexpr std::uint32_t power_9 = 1'000'000'000;
    const bool negative = *at == '-';
    big_natural numerator{0};
    std::uint32_t chunk = 0, chunk_scale = 1;  // up to 9 digits that are not in `numerator` yet
    int digits = 0;
    std::int64_t exponent = 0;
    bool fraction = false, more = false;
    for (at += negative ? 1 : 0; at != end && *at != 'e' && *at != 'E'; ++at) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        const auto digit = static_cast<std::uint32_t>(*at - '0');
        if (fraction) --exponent;
        if (digits == 0 && digit == 0) continue;
        if (digits == max_digits) {
            more = more || digit != 0;
            ++exponent;
            continue;
        }
        ++digits;
        chunk = chunk * 10 + digit;
        chunk_scale *= 10;
        if (chunk_scale == power_9) {
            numerator.multiply_add(chunk_scale, chunk);
            chunk = 0;
            chunk_scale = 1;
        }
    }
    numerator.multiply_add(chunk_scale, chunk);
    if (more) {
        numerator.multiply_add(10, 1);
        ++digits;
        --exponent;
    }
    if (at != end) {
        const bool minus = *++at == '-';
        std::int64_t written = 0;
        for (at += minus || *at == '+' ? 1 : 0; at != end; ++at)
            if (written < std::int64_t{1} << 40) written = written * 10 + (*at - '0');
        exponent += minus ? -written : written;
    }
    const std::uint64_t sign = std::uint64_t{negative} << 63;
    if (digits == 0) {
        out = std::bit_cast<double>(sign);
        return true;
    }
    // The number is at least 10^(digits + exponent - 1). The largest double is below 10^309; below 10^-324 a number rounds to 0.
    if (digits + exponent > 309 || digits + exponent < -323) return false;

    // The number is numerator / denominator * 2^power, with a quotient in [1, 2).
    big_natural denominator{1};
    int power = static_cast<int>(exponent);
    (power > 0 ? numerator : denominator).multiply_by_power_of_5(power > 0 ? power : -power);
    const int shift = numerator.bit_length() - denominator.bit_length();
    (shift > 0 ? denominator : numerator).shift_left(shift > 0 ? shift : -shift);
    power += shift;
    if (numerator.compare(denominator) < 0) {
        numerator.shift_left(1);
        --power;
    }
    // Bits before the rounding: 53, fewer for a subnormal result; 0 for a number that may round up to the smallest double.
    const int bits = power >= -1022 ? 53 : power + 1075;
    if (bits < 0 || power > 1023) return false;
    std::uint64_t significand = 0;
    for (int i = 0; i < bits; ++i) {
        significand <<= 1;
        if (numerator.compare(denominator) >= 0) {
            numerator.subtract(denominator);
            significand |= 1;
        }
        numerator.shift_left(1);
    }
    const int half = numerator.compare(denominator);
    if (half > 0 || (half == 0 && (significand & 1) != 0)) ++significand;
    // The leading bit of a normal number, or a carry into it, adds the missing 1 to the exponent.
    const std::uint64_t magnitude = (bits == 53 ? static_cast<std::uint64_t>(power + 1022) << 52 : 0) + significand;
    constexpr std::uint64_t infinity = std::uint64_t{0x7FF} << 52;
    if (magnitude == 0 || magnitude >= infinity) return false;
    out = std::bit_cast<double>(sign | magnitude);
    return true;
}

}  // namespace checkpoint
CVT_NAMESPACE_END
