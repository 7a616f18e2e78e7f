// top_k: softmax and ranking with ties, NaN, infinities, signed zeros, and k larger than the number of classes.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <cvt/top_k.hpp>

#include "support/formula.hpp"
#include "support/worse.hpp"

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

std::vector<int> indices(const std::vector<float>& logits, std::size_t k) {
    std::vector<cvt::ranked> out(k);
    out.resize(cvt::top_k(logits, out));
    std::vector<int> i;
    for (const cvt::ranked& r : out) i.push_back(r.index);
    return i;
}

std::vector<float> softmax(const std::vector<float>& logits) {
    std::vector<float> p(logits.size(), -1.F);
    cvt::softmax(logits, p);
    return p;
}

using order = std::vector<int>;
using values = std::vector<float>;

}  // namespace

TEST_CASE("the best come first, ties by index") {
    CHECK(indices({1, 3, 2}, 3) == order{1, 2, 0});
    CHECK(indices({1, 3, 2}, 1) == order{1});
    CHECK(indices({5, 5, 5, 5}, 3) == order{0, 1, 2});
    CHECK(indices({1, 2, 2, 1, 2}, 5) == order{1, 2, 4, 0, 3});
    CHECK(indices({1, 2, 2, 1, 2}, 2) == order{1, 2});
    CHECK(indices({-0.F, 0.F, -0.F}, 3) == order{0, 1, 2});  // equal
    CHECK(indices({-3, -1, -2}, 2) == order{1, 2});
}

TEST_CASE("the number of results is the smaller of k and the number of classes") {
    CHECK(indices({1, 2}, 5) == order{1, 0});
    CHECK(indices({7}, 1) == order{0});
    CHECK(indices({1, 2, 3}, 0).empty());
    CHECK(indices({}, 3).empty());
    const values logits{4, 6, 5};
    CHECK(cvt::top_k<5>(logits).size() == 3);
    CHECK(cvt::top_k<2>(logits).size() == 2);
    order seen;
    for (const cvt::ranked r : cvt::top_k<2>(logits)) seen.push_back(r.index);
    CHECK(seen == order{1, 2});
    CHECK(cvt::top_k<2>(logits)[1].index == 2);
}

TEST_CASE("any k agrees with a full sort") {
    values logits = cvt_test::hash_uniform("logits", 300);
    for (std::size_t i = 0; i < logits.size(); ++i) {
        logits[i] = std::round(logits[i] * 40.F);  // many ties
        if (i % 37 == 5) logits[i] = not_a_number;
        if (i % 91 == 7) logits[i] = i % 2 == 0 ? infinity : -infinity;
    }
    order all(logits.size());
    std::iota(all.begin(), all.end(), 0);
    const auto key = [&](int i) {  // NaN below -infinity
        const float v = logits[static_cast<std::size_t>(i)];
        return std::isnan(v) ? std::pair{1, 0.F} : std::pair{0, -v};
    };
    std::stable_sort(all.begin(), all.end(), [&](int a, int b) { return key(a) < key(b); });
    for (const std::size_t k : {1U, 2U, 5U, 100U, 299U, 300U, 400U})
        CHECK(indices(logits, k) == order(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(k, 300))));
}

TEST_CASE("probabilities agree with softmax in double") {
    values logits = cvt_test::hash_uniform("logits", 1000);
    for (float& v : logits) v *= 12.F;
    double sum = 0, total = 0, worst = 0;
    for (const float v : logits) sum += std::exp(static_cast<double>(v));
    const values p = softmax(logits);
    for (std::size_t i = 0; i < p.size(); ++i) {
        total += static_cast<double>(p[i]);
        const double expected = std::exp(static_cast<double>(logits[i])) / sum;
        worst = cvt_test::worse(worst, std::abs(static_cast<double>(p[i]) - expected) / expected);
    }
    CHECK(worst < 1e-7);
    CHECK(std::abs(total - 1) < 1e-6);
    for (const cvt::ranked r : cvt::top_k<10>(logits)) CHECK(r.probability == p[static_cast<std::size_t>(r.index)]);
    values in_place = logits;
    cvt::softmax(in_place, in_place);
    CHECK(in_place == p);
}

TEST_CASE("softmax of huge logits, few logits and none") {
    CHECK(softmax({42}) == values{1});
    CHECK(softmax({3e38F, 3e38F}) == values{0.5F, 0.5F});
    CHECK(softmax({-3e38F, 3e38F}) == values{0, 1});
    CHECK(softmax({-3e38F, -3e38F}) == values{0.5F, 0.5F});
    CHECK(softmax({0.F, -0.F}) == values{0.5F, 0.5F});
    CHECK(softmax({}).empty());
    values shorter(1), longer(3, -1.F);
    cvt::softmax(values{1, 1}, shorter);
    CHECK(shorter == values{0.5F});
    cvt::softmax(values{1, 1}, longer);
    CHECK(longer == values{0.5F, 0.5F, -1.F});
}

TEST_CASE("NaN comes last with probability 0; infinities share all of the probability") {
    CHECK(indices({not_a_number, 1, -infinity, 2, not_a_number}, 5) == order{3, 1, 2, 0, 4});
    CHECK(indices({not_a_number, not_a_number}, 1) == order{0});
    CHECK(indices({-not_a_number, not_a_number, 0}, 3) == order{2, 0, 1});
    CHECK(softmax({not_a_number, 0, 0}) == values{0, 0.5F, 0.5F});
    CHECK(softmax({not_a_number, not_a_number}) == values{0, 0});
    CHECK(softmax({infinity, 1, infinity}) == values{0.5F, 0, 0.5F});
    CHECK(softmax({infinity, not_a_number}) == values{1, 0});
    CHECK(softmax({-infinity, 1}) == values{0, 1});
    CHECK(indices({1, infinity, -infinity}, 3) == order{1, 0, 2});
    CHECK(cvt::top_k<1>(values{not_a_number, infinity})[0].probability == 1.F);
}

TEST_CASE("scores without softmax: sigmoids and plain values, in the same order") {
    const std::vector<float> logits{-0.5F,
                                    2,
                                    0,
                                    std::numeric_limits<float>::quiet_NaN(),
                                    std::numeric_limits<float>::infinity(),
                                    -std::numeric_limits<float>::infinity()};
    const auto sigmoids = cvt::top_k<6>(logits, cvt::scoring::sigmoid), values = cvt::top_k<6>(logits, cvt::scoring::value);
    const int order[]{4, 1, 2, 0, 5, 3};
    const double expected[]{1, 0.8807970779778823, 0.5, 0.3775406687981454, 0, 0};
    for (std::size_t i = 0; i < 6; ++i) {
        CHECK(sigmoids[i].index == order[i]);
        CHECK(static_cast<double>(sigmoids[i].probability) == Approx(expected[i]).epsilon(1e-7));
        CHECK(values[i].index == order[i]);
    }
    CHECK(values[1].probability == 2.F);
    CHECK(values[3].probability == -0.5F);
    CHECK(cvt::top_k<1>(std::vector<float>{3.F}, cvt::scoring::sigmoid)[0].probability < 1.F);
}
