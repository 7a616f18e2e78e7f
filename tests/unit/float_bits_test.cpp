// float_bits: NaN, infinities and finite values are distinguished by their bits, at every boundary.
#include <bit>
#include <catch2/catch.hpp>
#include <cvt/float_bits.hpp>

using namespace cvt::detail;

TEST_CASE("every kind of float, with both signs") {
    struct kind {
        std::uint32_t bits;
        bool finite, infinite, nan;
    };
    for (const kind& k :
         {kind{0x00000000U, true, false, false}, kind{0x00000001U, true, false, false}, kind{0x007FFFFFU, true, false, false},
          kind{0x00800000U, true, false, false}, kind{0x3F800000U, true, false, false}, kind{0x7F7FFFFFU, true, false, false},
          kind{0x7F800000U, false, true, false}, kind{0x7F800001U, false, false, true}, kind{0x7FC00000U, false, false, true},
          kind{0x7FFFFFFFU, false, false, true}}) {
        for (const std::uint32_t sign : {0U, 0x80000000U}) {
            const float value = std::bit_cast<float>(k.bits | sign);
            INFO(std::hex << (k.bits | sign));
            CHECK(is_finite(value) == k.finite);
            CHECK(is_infinite(value) == k.infinite);
            CHECK(is_nan(value) == k.nan);
            CHECK(magnitude_bits(value) == k.bits);
        }
    }
}
