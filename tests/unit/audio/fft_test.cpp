// real_fft against Eigen's FFT and against the sum that defines it.
#include <catch2/catch.hpp>
#include <cmath>
#include <complex>
#include <unsupported/Eigen/FFT>
#include <vector>

#include <cvt/audio/fft.hpp>
#include <cvt/test_pattern.hpp>

namespace {

std::vector<double> signal(std::size_t n) {
    const cvt::formula_stream stream{"signal"};
    std::vector<double> x(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<double>(stream[i]);
    return x;
}

/// Transforms a signal, beside another, whose result must not depend on it.
std::vector<std::complex<double>> transformed(cvt::detail::real_fft& fft, const std::vector<double>& x, std::size_t place = 0) {
    std::vector<cvt::detail::double_pair> pairs(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        pairs[i].of[place] = x[i];
        pairs[i].of[1 - place] = 1000.0 - static_cast<double>(i);
    }
    std::vector<cvt::detail::complex_pair> out(x.size() / 2 + 1);
    fft.run(pairs.data(), out.data());
    std::vector<std::complex<double>> all;
    for (const cvt::detail::complex_pair& v : out) all.emplace_back(v.re.of[place], v.im.of[place]);
    return all;
}

}  // namespace

TEST_CASE("real_fft agrees with Eigen's FFT for every kind of length", "[fft]") {
    for (const std::size_t n : {2U, 4U, 6U, 8U, 16U, 30U, 62U, 64U, 400U, 462U, 512U, 630U, 1024U, 1444U, 2048U, 4800U, 65536U}) {
        CAPTURE(n);
        cvt::detail::real_fft fft;
        REQUIRE_FALSE(fft.plan(n));
        const std::vector<double> x = signal(n);
        std::vector<std::complex<double>> expected;
        Eigen::FFT<double> eigen;
        eigen.fwd(expected, x);
        const auto found = transformed(fft, x);
        double worst = 0;
        for (std::size_t k = 0; k < found.size(); ++k) worst = std::max(worst, std::abs(found[k] - expected[k]));
        CHECK(worst < 1e-14 * static_cast<double>(n));
        CHECK(transformed(fft, x, 1) == found);
    }
}

TEST_CASE("real_fft is the sum that defines it", "[fft]") {
    for (const std::size_t n : {6U, 44U, 1024U}) {
        CAPTURE(n);
        cvt::detail::real_fft fft;
        REQUIRE_FALSE(fft.plan(n));
        const std::vector<double> x = signal(n);
        const auto found = transformed(fft, x);
        for (const std::size_t k : {std::size_t{0}, std::size_t{1}, n / 4, n / 2}) {
            std::complex<long double> sum{0, 0};
            for (std::size_t m = 0; m < n; ++m) {
                const long double angle = -2 * std::acos(-1.0L) * static_cast<long double>(k * m % n) / static_cast<long double>(n);
                sum += std::complex<long double>{std::cos(angle), std::sin(angle)} * static_cast<long double>(x[m]);
            }
            CHECK(std::abs(sum - std::complex<long double>{found[k]}) < 1e-13L);
        }
    }
}

TEST_CASE("real_fft refuses lengths that it has no steps for", "[fft]") {
    cvt::detail::real_fft fft;
    for (const std::size_t n : {0U, 1U, 15U, 74U, 1022U}) CHECK(fft.plan(n).code() == cvt::errc::invalid_argument);
    CHECK(std::string{fft.plan(74).what()} == "FFT: expected a length that is an even product of primes up to 31, found 74");
}
