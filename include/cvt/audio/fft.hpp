// real_fft: the discrete Fourier transform of real numbers, of a length that is planned once.
#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>

#include "../runtime/buffer.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// The same number of two signals, which compilers compute in one vector register.
struct double_pair {
    double of[2];
    friend constexpr double_pair operator+(double_pair a, double_pair b) noexcept { return {{a.of[0] + b.of[0], a.of[1] + b.of[1]}}; }
    friend constexpr double_pair operator-(double_pair a, double_pair b) noexcept { return {{a.of[0] - b.of[0], a.of[1] - b.of[1]}}; }
    friend constexpr double_pair operator*(double a, double_pair b) noexcept { return {{a * b.of[0], a * b.of[1]}}; }
};
struct complex_pair {
    double_pair re, im;
    friend constexpr complex_pair operator+(complex_pair a, complex_pair b) noexcept { return {a.re + b.re, a.im + b.im}; }
    friend constexpr complex_pair operator-(complex_pair a, complex_pair b) noexcept { return {a.re - b.re, a.im - b.im}; }
};
struct complex_double {
    double re, im;
    friend constexpr complex_pair operator*(complex_double a, complex_pair b) noexcept {
        return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    }
};

/// Transforms two signals of n real numbers, n even, into n / 2 + 1 complex ones, X[k] = sum over m of x[m] e^(-2 pi i k m / n), each
/// as n / 2 complex numbers. The steps are Stockham's, of radix 4 and then of each prime factor; the result needs no reordering.
class real_fft {
public:
    static constexpr std::size_t max_radix = 31;  ///< the largest prime factor of n

    /// Computes the tables. Errors: invalid_argument (n is 0 or odd, or has a larger prime factor), out_of_memory.
    error plan(std::size_t n) noexcept {
        points_ = n / 2;
        std::size_t rest = points_;
        radix_count_ = 0;
        for (std::size_t r = 4; rest > 1 && r <= max_radix; r = r == 4 ? 2 : r == 3 ? 5 : r + 1)
            for (; rest % r == 0; rest /= r) radix_[radix_count_++] = r;
        if (n == 0 || n % 2 != 0 || rest != 1)
            return error::format(errc::invalid_argument, "FFT: expected a length that is an even product of primes up to %zu, found %zu",
                                 max_radix, n);
        if (!roots_.resize(points_) || !half_roots_.resize(n / 2 + 1) || !a_.resize(points_) || !b_.resize(points_))
            return error::out_of_memory("FFT tables", (5 * points_ + n) * sizeof(complex_double));
        for (std::size_t i = 0; i < points_; ++i) roots_[i] = root(i, points_);
        for (std::size_t i = 0; i <= n / 2; ++i) half_roots_[i] = root(i, n);
        return {};
    }

    /// Transforms two signals `x` of the planned length into `out`.
    void run(const double_pair* x, complex_pair* out) noexcept {
        for (std::size_t i = 0; i < points_; ++i) a_[i] = {x[2 * i], x[2 * i + 1]};
        complex_pair *from = a_.data(), *to = b_.data();
        for (std::size_t i = 0, length = points_, stride = 1; i < radix_count_; ++i) {
            const std::size_t r = radix_[i];
            if (r == 4)
                step4(from, to, length / 4, stride);
            else if (r == 2)
                step2(from, to, length / 2, stride);
            else
                step(from, to, r, length / r, stride);
            std::swap(from, to);
            length /= r;
            stride *= r;
        }
        for (std::size_t k = 0; k <= points_; ++k) {
            const complex_pair z = from[k == points_ ? 0 : k], other = from[k == 0 ? 0 : points_ - k];
            const complex_pair sum{z.re + other.re, z.im - other.im},
                turned = half_roots_[k] * complex_pair{z.re - other.re, z.im + other.im};
            out[k] = {0.5 * (sum.re + turned.im), 0.5 * (sum.im - turned.re)};
        }
    }

private:
    static complex_double root(std::size_t i, std::size_t n) noexcept {
        const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n);
        return {std::cos(angle), -std::sin(angle)};
    }
    void step2(const complex_pair* x, complex_pair* y, std::size_t m, std::size_t s) const noexcept {
        for (std::size_t p = 0; p < m; ++p)
            for (std::size_t q = 0; q < s; ++q) {
                const complex_pair a = x[q + s * p], b = x[q + s * (p + m)];
                y[q + s * 2 * p] = a + b;
                y[q + s * (2 * p + 1)] = roots_[p * s] * (a - b);
            }
    }
    void step4(const complex_pair* x, complex_pair* y, std::size_t m, std::size_t s) const noexcept {
        for (std::size_t p = 0; p < m; ++p) {
            const complex_double w1 = roots_[p * s], w2 = roots_[2 * p * s], w3 = roots_[3 * p * s];
            for (std::size_t q = 0; q < s; ++q) {
                const complex_pair a = x[q + s * p], b = x[q + s * (p + m)], c = x[q + s * (p + 2 * m)], d = x[q + s * (p + 3 * m)];
                const complex_pair even = a + c, odd = a - c, sum = b + d, turned{b.im - d.im, d.re - b.re};  // -i (b - d)
                complex_pair* to = y + q + s * 4 * p;
                to[0] = even + sum;
                to[s] = w1 * (odd + turned);
                to[2 * s] = w2 * (even - sum);
                to[3 * s] = w3 * (odd - turned);
            }
        }
    }
    void step(const complex_pair* x, complex_pair* y, std::size_t r, std::size_t m, std::size_t s) const noexcept {
        const std::size_t turn = points_ / r;
        for (std::size_t p = 0; p < m; ++p)
            for (std::size_t q = 0; q < s; ++q)
                for (std::size_t j = 0; j < r; ++j) {
                    complex_pair sum{};
                    for (std::size_t k = 0; k < r; ++k) sum = sum + roots_[j * k % r * turn] * x[q + s * (p + m * k)];
                    y[q + s * (r * p + j)] = roots_[p * j * s] * sum;
                }
    }

    std::size_t points_ = 0, radix_count_ = 0;
    std::size_t radix_[64]{};
    buffer<complex_double> roots_, half_roots_;
    buffer<complex_pair> a_, b_;
};

}  // namespace detail
CVT_NAMESPACE_END
