// nearest_double: the same bits as std::from_chars or std::strtod, on hard cases and a million random numbers.
#include <cvt/checkpoint/json/nearest_double.hpp>

#include <array>
#include <catch2/catch.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

namespace {

/// The standard library's answer. No test here sets a locale, so that std::strtod can stand in for std::from_chars: libc++ has none of a
/// double before version 20, and that of libstdc++ rounds twice on 32-bit x86, once in a register of 80 bits.
bool standard_double(const std::string& text, double& out) {
#if defined(__cpp_lib_to_chars) && !defined(__i386__)
    return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc{};
#else
    out = std::strtod(text.c_str(), nullptr);
    return std::isfinite(out) && (out != 0 || text.find_first_of("123456789") >= text.find_first_of("eE"));
#endif
}

int compared = 0;

void check(const std::string& text) {
    ++compared;
    double ours = 0, theirs = 0;
    const bool good = cvt::checkpoint::nearest_double(text.data(), text.data() + text.size(), ours),
               expected = standard_double(text, theirs);
    if (good == expected && (!good || std::bit_cast<std::uint64_t>(ours) == std::bit_cast<std::uint64_t>(theirs))) return;
    INFO(text);
    CHECK(good == expected);
    if (good && expected) CHECK(std::bit_cast<std::uint64_t>(ours) == std::bit_cast<std::uint64_t>(theirs));
}

/// Exact decimal digits of a double, up to 1074 after the point.
std::string exactly(double value) {
    std::array<char, 1500> text{};
    return {text.data(), static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%.1074f", value))};
}

/// Exact decimal digits of the midpoint of a double and the next larger one.
std::string midpoint(double value) {
    const std::string a = exactly(value), b = exactly(std::nextafter(value, std::numeric_limits<double>::infinity()));
    const std::size_t width = std::max(a.size(), b.size());
    const std::string x = std::string(width - a.size(), '0') + a, y = std::string(width - b.size(), '0') + b;
    std::string sum(width, '.'), half;
    int carry = 0;
    for (std::size_t i = width; i-- > 0;) {
        if (x[i] == '.') continue;
        const int digit = (x[i] - '0') + (y[i] - '0') + carry;
        sum[i] = static_cast<char>('0' + digit % 10);
        carry = digit / 10;
    }
    int rest = carry;
    for (const char c : sum) {
        if (c == '.') {
            half += c;
            continue;
        }
        const int digit = rest * 10 + (c - '0');
        half += static_cast<char>('0' + digit / 2);
        rest = digit % 2;
    }
    half += rest == 0 ? '0' : '5';
    return half;
}

}  // namespace

TEST_CASE("nearest_double: hard cases", "[json]") {
    for (const char* text : {"0.0",
                             "-0.0",
                             "0e5",
                             "-0e-999999999999999999999",
                             "1.0",
                             "-1.5",
                             "0.1",
                             "0.485",
                             "1e22",
                             "1e23",
                             "9007199254740993.0",
                             "9007199254740992.99999999999999999999999999999999999999999999999999",
                             "9007199254740993.00000000000000000000000000000000000001",
                             "1.7976931348623157e308",
                             "1.7976931348623158e308",
                             "1.7976931348623159e308",
                             "179769313486231580793e289",
                             "1e309",
                             "-1e400",
                             "1e99999999999999999999",
                             "1e-99999999999999999999",
                             "2.2250738585072011e-308",
                             "2.2250738585072012e-308",
                             "2.2250738585072014e-308",
                             "2.225073858507201136057409796709131975934819546351645648023426109724822222021076945516529523908135e-308",
                             "4.9e-324",
                             "5e-324",
                             "3e-324",
                             "2.4703282292062327e-324",
                             "2.4703282292062328e-324",
                             "2e-324",
                             "1e-324",
                             "1e-323",
                             "9e-325",
                             "6.9294956446009195e15",
                             "8.41e21",
                             "3.5844466002796428e298",
                             "7.2057594037927933e16",
                             "5.0e-324",
                             "0.000001",
                             "123456789012345678",
                             "1E+2",
                             "1e-7",
                             "10000000000000000000000000000000000000000000e-43",
                             "1e0000000000000000000000000000000005"})
        check(text);
    check("0." + std::string(400, '0') + "1e401");
    check("1" + std::string(400, '0') + "e-400");
    check("1" + std::string(5000, '0') + ".5e-5000");
    check("0." + std::string(5000, '0') + "17e5001");
    check("1" + std::string(100, '0') + "e10000000000000");
}

TEST_CASE("nearest_double: powers of ten and of two", "[json]") {
    for (int e = -345; e <= 315; ++e)
        for (const char* digits : {"1", "9", "1.7976931348623157", "4.9406564584124654", "99999999999999999"})
            check(std::string(digits) + "e" + std::to_string(e));
    for (int e = -1074; e <= 1023; ++e) check(exactly(std::ldexp(1.0, e)));
}

TEST_CASE("nearest_double: midpoints, and one unit of the last place beside them", "[json]") {
    std::mt19937_64 random{7};
    for (int i = 0; i < 2000; ++i) {
        double value = std::bit_cast<double>(random() & ~(std::uint64_t{1} << 63));
        if (i % 4 == 0) value = std::bit_cast<double>(random() >> (12 + random() % 50));  // subnormal
        if (!std::isfinite(value)) continue;
        std::string text = midpoint(value);
        check(text);        // a tie
        check(text + "1");  // above, after more than 1000 digits
        text.back() -= 1;   // below
        if (text.back() >= '0') check(text + "99");
        text = exactly(value);
        check(text);
    }
}

TEST_CASE("nearest_double: a million random numbers", "[json]") {
    std::mt19937_64 random{1};
    const auto digits = [&](std::size_t count) {
        std::string text;
        while (text.size() < count) text += std::to_string(random());
        return text.substr(0, count);
    };
    for (int i = 0; i < 1'000'000; ++i) {
        std::string text = random() % 2 == 0 ? "-" : "";
        if (i % 2 == 0) {  // any double, shortest or cut
            const double value = std::bit_cast<double>(random());
            if (!std::isfinite(value)) continue;
            std::array<char, 40> shown{};
            std::snprintf(shown.data(), shown.size(), "%.*e", static_cast<int>(random() % 20), std::fabs(value));
            text += shown.data();
        } else {  // any number of digits and any exponent
            text += std::to_string(1 + random() % 9) + digits(static_cast<std::size_t>(random() % 30));
            if (random() % 2 == 0) text += '.' + digits(static_cast<std::size_t>(1 + random() % 25));
            if (random() % 2 == 0) text += "e" + std::to_string(static_cast<int>(random() % 700) - 360);
        }
        check(text);
    }
    CHECK(compared > 990'000);
}
