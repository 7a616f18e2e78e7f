// train_head: coefficients, folds and accuracies of scikit-learn on three data sets; prototypes; groups; threads; bad input.
#include <cvt/extra/head_trainer.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cvt/extra/npy.hpp>
#include <cvt/extra/thread_pool.hpp>
#include <limits>
#include <numeric>
#include <string>

namespace {

const std::string data = CVT_TEST_DATA "/head_trainer/";

std::vector<float> read(const std::string& name) {
    const auto array = cvt::read_npy((data + name + ".npy").c_str());
    INFO(name);
    REQUIRE(array);
    return {array->values.begin(), array->values.end()};
}

/// What tests/golden/make_head_trainer.py wrote.
struct golden {
    explicit golden(const std::string& set)
        : embeddings{read(set + ".embeddings")},
          heads{read(set + ".heads")},
          correct{read(set + ".correct")},
          prototypes{read(set + ".prototypes")},
          prototypes_correct{read(set + ".prototypes_correct")},
          folds{read(set + ".folds")} {
        for (const float label : read(set + ".labels")) labels.push_back(static_cast<int>(label));
        classes = *std::max_element(labels.begin(), labels.end()) + 1;
        width = static_cast<std::ptrdiff_t>(embeddings.size() / labels.size());
    }
    [[nodiscard]] cvt::view<const float, 2> rows() const { return cvt::view<const float, 2>{embeddings.data(), std::ssize(labels), width}; }
    [[nodiscard]] std::size_t head_size() const { return static_cast<std::size_t>(classes * (width + 1)); }
    /// The head (classes, width + 1) of a strength, with class weights or without.
    [[nodiscard]] const float* head(std::size_t strength, bool balanced) const {
        return heads.data() + (2 * strength + (balanced ? 1 : 0)) * head_size();
    }

    std::vector<float> embeddings, heads, correct, prototypes, prototypes_correct, folds;
    std::vector<int> labels;
    int classes = 0;
    std::ptrdiff_t width = 0;
};

constexpr double strengths[]{0.001, 0.1, 10};
const char* const sets[]{"clusters", "two_classes", "pictures"};

#if CVT_TEST_HAS_LBFGS
constexpr cvt::head_method methods[]{cvt::head_method::logistic, cvt::head_method::prototype};
#else  // there is no liblbfgs for every host
constexpr cvt::head_method methods[]{cvt::head_method::prototype};
#endif

/// A head as the golden data have it: rows of width + 1. Unused without liblbfgs.
[[maybe_unused]] std::vector<double> joined(const cvt::trained_head& h, int classes) {
    const std::size_t width = h.weights.size() / h.bias.size();
    const double mean = std::accumulate(h.bias.begin(), h.bias.end(), 0.0) / classes;
    std::vector<double> all;
    for (std::size_t k = 0; k < h.bias.size(); ++k) {
        for (std::size_t d = 0; d < width; ++d) all.push_back(static_cast<double>(h.weights[k * width + d]));
        all.push_back(static_cast<double>(h.bias[k]) - mean);
    }
    return all;
}

/// The coefficients of standardised embeddings, which scikit-learn has in coef_ and intercept_.
std::vector<double> standardised(const golden& g, const auto* head) {
    const auto rows = static_cast<double>(g.labels.size());
    std::vector<double> all, intercepts;
    for (int k = 0; k < g.classes; ++k) intercepts.push_back(static_cast<double>(head[k * (g.width + 1) + g.width]));
    for (std::ptrdiff_t d = 0; d < g.width; ++d) {
        double mean = 0, variance = 0;
        for (std::ptrdiff_t i = 0; i < std::ssize(g.labels); ++i) mean += static_cast<double>(g.rows()(i, d)) / rows;
        for (std::ptrdiff_t i = 0; i < std::ssize(g.labels); ++i)
            variance += std::pow(static_cast<double>(g.rows()(i, d)) - mean, 2) / rows;
        for (int k = 0; k < g.classes; ++k) {
            const auto weight = static_cast<double>(head[k * (g.width + 1) + d]);
            all.push_back(std::sqrt(variance) * weight);
            intercepts[static_cast<std::size_t>(k)] += mean * weight;
        }
    }
    all.insert(all.end(), intercepts.begin(), intercepts.end());
    return all;
}

std::vector<double> probabilities(const golden& g, const auto* head, std::ptrdiff_t row) {
    std::vector<double> p;
    for (int k = 0; k < g.classes; ++k) {
        const auto* const w = head + k * (g.width + 1);
        double sum = static_cast<double>(w[g.width]);
        for (std::ptrdiff_t d = 0; d < g.width; ++d) sum += static_cast<double>(w[d]) * static_cast<double>(g.rows()(row, d));
        p.push_back(sum);
    }
    const double largest = *std::max_element(p.begin(), p.end());
    double total = 0;
    for (double& v : p) total += v = std::exp(v - largest);
    for (double& v : p) v /= total;
    return p;
}

[[maybe_unused]] std::ptrdiff_t largest_of(const std::vector<double>& p) { return std::max_element(p.begin(), p.end()) - p.begin(); }

cvt::trained_head learn(const golden& g, const cvt::head_options& options) {
    cvt::result<cvt::trained_head> head = cvt::train_head(g.rows(), g.labels, g.classes, options);
    INFO(head.error().what());
    REQUIRE(head);
    return *std::move(head);
}

void refused(const golden& g, std::span<const int> labels, int classes, const cvt::head_options& options, const std::string& sentence,
             cvt::errc code = cvt::errc::invalid_argument) {
    const auto head = cvt::train_head(g.rows(), labels, classes, options);
    REQUIRE_FALSE(head);
    INFO(head.error().what());
    CHECK(head.error().code() == code);
    CHECK(std::string{head.error().what()}.find(sentence) != std::string::npos);
}

}  // namespace

#if CVT_TEST_HAS_LBFGS

TEST_CASE("coefficients and predictions are those of scikit-learn") {
    for (const char* set : sets) {
        const golden g{set};
        for (std::size_t c = 0; c < std::size(strengths); ++c)
            for (const bool balanced : {false, true})
                for (const bool float64 : {true, false}) {
                    CAPTURE(set, strengths[c], balanced, float64);
                    cvt::head_options options;
                    options.strengths = {&strengths[c], 1};
                    options.folds = 0;
                    options.balanced = balanced;
                    options.float64 = float64;
                    const std::vector<double> found = joined(learn(g, options), g.classes);
                    const float* const expected = g.head(c, balanced);
                    const std::vector<double> ours = standardised(g, found.data()), theirs = standardised(g, expected);
                    const std::size_t weights = ours.size() - static_cast<std::size_t>(g.classes);  // intercepts follow
                    double largest = 0, difference = 0, of_intercept = 0;
                    for (std::size_t i = 0; i < ours.size(); ++i) {
                        double& worst = i < weights ? difference : of_intercept;
                        worst = std::max(worst, std::fabs(ours[i] - theirs[i]));
                        if (i < weights) largest = std::max(largest, std::fabs(theirs[i]));
                    }
                    CHECK(difference / largest < (float64 ? 1e-4 : 1e-3));
                    CHECK(of_intercept < (float64 ? 1e-3 : 5e-3));  // in units of a logit; raw ones cancel to it in float32
                    for (std::ptrdiff_t i = 0; i < std::ssize(g.labels); ++i) {
                        const std::vector<double> p = probabilities(g, expected, i), q = probabilities(g, found.data(), i);
                        const std::ptrdiff_t a = largest_of(p), b = largest_of(q);
                        if (a != b) CHECK(p[static_cast<std::size_t>(a)] - p[static_cast<std::size_t>(b)] < 1e-6);
                    }
                }
    }
}

TEST_CASE("folds and held-out accuracies are those of scikit-learn") {
    for (const char* set : sets) {
        const golden g{set};
        for (const bool balanced : {false, true})
            for (const bool float64 : {true, false}) {
                CAPTURE(set, balanced, float64);
                cvt::head_options options;
                options.strengths = strengths;
                options.balanced = balanced;
                options.float64 = float64;
                const cvt::trained_head head = learn(g, options);
                std::size_t scored = 0;
                for (std::size_t i = 0; i < head.rows.size(); ++i) {
                    REQUIRE(head.rows[i].fold == static_cast<int>(g.folds[i]));
                    scored += head.rows[i].predicted == g.labels[i] ? 1U : 0U;
                }
                REQUIRE(head.trials.size() == std::size(strengths));
                for (std::size_t c = 0; c < std::size(strengths); ++c) {
                    const cvt::head_trial& trial = head.trials[c];
                    double mean = 0;
                    for (std::size_t f = 0; f < 5; ++f) {
                        const auto expected = static_cast<int>(g.correct[(2 * c + (balanced ? 1 : 0)) * 5 + f]);
                        CHECK(trial.correct[f] == expected);
                        mean += static_cast<double>(expected) / head.fold_sizes[f] / 5;
                    }
                    CHECK(trial.accuracy == Approx(mean).epsilon(1e-12));
                    CHECK(trial.log_loss >= head.trials[head.chosen].log_loss);
                }
                CHECK(head.strength == strengths[head.chosen]);
                const std::vector<int>& chosen = head.trials[head.chosen].correct;
                CHECK(scored == static_cast<std::size_t>(std::accumulate(chosen.begin(), chosen.end(), 0)));
            }
    }
}

#else

TEST_CASE("without liblbfgs, logistic regression is refused, and the message names the package") {
    const golden g{"clusters"};
    refused(g, g.labels, g.classes, {}, "built without liblbfgs (Debian: liblbfgs-dev)", cvt::errc::unsupported);
}

#endif

TEST_CASE("prototypes are the nearest class means by cosine") {
    for (const char* set : sets) {
        const golden g{set};
        CAPTURE(set);
        const cvt::trained_head head = learn(g, {.method = cvt::head_method::prototype});
        REQUIRE(head.trials.size() == 1);
        for (std::size_t f = 0; f < 5; ++f) CHECK(head.trials[0].correct[f] == static_cast<int>(g.prototypes_correct[f]));
        // Rows of length 1, times one factor.
        double factor = 0;
        for (std::ptrdiff_t d = 0; d < g.width; ++d)
            factor += static_cast<double>(head.weights[static_cast<std::size_t>(d)]) *
                      static_cast<double>(g.prototypes[static_cast<std::size_t>(d)]);
        CHECK(factor > 0);
        for (int k = 0; k < g.classes; ++k)
            for (std::ptrdiff_t d = 0; d <= g.width; ++d) {
                const auto expected = static_cast<double>(g.prototypes[static_cast<std::size_t>(k * (g.width + 1) + d)]);
                const float found =
                    d == g.width ? head.bias[static_cast<std::size_t>(k)] : head.weights[static_cast<std::size_t>(k * g.width + d)];
                CHECK(static_cast<double>(found) == Approx(factor * expected).epsilon(1e-4).margin(1e-4 * factor));
            }
    }
}

TEST_CASE("one embedding per class makes prototypes and a head, without a cross-validation") {
    const float embeddings[]{1, 0, 0, 0, 1, 0, 0, 0, 1};
    const int labels[]{2, 0, 1};
    for (const cvt::head_method method : methods) {
        const auto head = cvt::train_head(cvt::view<const float, 2>{embeddings, 3, 3}, labels, 3, {.method = method});
        REQUIRE(head);
        CHECK(head->trials.empty());
        CHECK(head->fold_sizes.empty());
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(head->rows[i].fold == -1);
            std::vector<float> logits(head->bias);
            for (std::size_t k = 0; k < 3; ++k) logits[k] += head->weights[3 * k + i];  // the embeddings are unit vectors
            CHECK(std::max_element(logits.begin(), logits.end()) - logits.begin() == labels[i]);
        }
    }
}

TEST_CASE("a class of one row is in every fit, and the others are dealt to five folds") {
    const golden g{"clusters"};
    std::vector<int> labels = g.labels;
    labels[0] = 4;
    const auto head = cvt::train_head(g.rows(), labels, 5, {.method = methods[0]});
    REQUIRE(head);
    CHECK(head->fold_sizes.size() == 5);
    CHECK(head->rows[0].fold == -1);
    CHECK(head->rows[0].predicted == -1);
    CHECK(std::accumulate(head->fold_sizes.begin(), head->fold_sizes.end(), 0) == static_cast<int>(labels.size()) - 1);
    for (std::size_t i = 1; i < labels.size(); ++i) CHECK(head->rows[i].predicted >= 0);
}

TEST_CASE("a group is in one fold, and its first row is scored") {
    const golden g{"clusters"};
    std::vector<int> groups;
    for (std::size_t i = 0; i < g.labels.size(); ++i) groups.push_back(1000 - g.labels[i] * 100 - static_cast<int>(i / 2));
    cvt::head_options options;
    options.method = methods[0];
    options.groups = groups;
    const cvt::trained_head head = learn(g, options);
    for (std::size_t i = 1; i < groups.size(); ++i) {
        if (groups[i] != groups[i - 1]) continue;
        CHECK(head.rows[i].fold == head.rows[i - 1].fold);
        CHECK(head.rows[i].predicted == -1);
    }
    std::swap(groups[0], groups.back());
    options.groups = groups;
    refused(g, g.labels, g.classes, options, "groups: expected one class in a group, found rows 1 and 106 of classes 0 and 3");
}

#if CVT_TEST_HAS_LBFGS

TEST_CASE("a class of 100000 rows and one of a single row: both are recognised, whether classes are balanced or not") {
    constexpr std::ptrdiff_t width = 4;
    std::vector<float> rows;
    for (int i = 0; i <= 100000; ++i)
        for (int d = 0; d < width; ++d) rows.push_back(i == 100000 ? 3.F : static_cast<float>((i * (d + 3)) % 101) / 101.F);
    std::vector<int> labels(100001, 0);
    labels.back() = 1;
    for (const bool balanced : {false, true}) {
        cvt::head_options options;
        options.balanced = balanced;
        options.folds = 2;
        const double strength[]{10};
        options.strengths = strength;
        const auto head = cvt::train_head(cvt::view<const float, 2>{rows.data(), 100001, width}, labels, 2, options);
        REQUIRE(head);
        CHECK(head->fold_sizes == std::vector<int>{50000, 50000});  // the single row is in every fit
        CHECK(head->rows.back().fold == -1);
        CHECK(head->trials.at(0).accuracy == 1.0);
        for (const std::ptrdiff_t i : {std::ptrdiff_t{0}, std::ptrdiff_t{777}, std::ptrdiff_t{100000}}) {
            float difference = head->bias[1] - head->bias[0];
            for (std::ptrdiff_t d = 0; d < width; ++d)
                difference += (head->weights[static_cast<std::size_t>(width + d)] - head->weights[static_cast<std::size_t>(d)]) *
                              rows[static_cast<std::size_t>(i * width + d)];
            CHECK((difference > 0) == (i == 100000));
        }
    }
}

TEST_CASE("the number of threads and the kernels do not change the choice; threads do not change a bit") {
    const golden g{"pictures"};
    for (const bool float64 : {true, false}) {
        cvt::head_options options;
        options.float64 = float64;
        const cvt::trained_head one = learn(g, options);
        auto pool = cvt::thread_pool::create(3);
        REQUIRE(pool);
        options.executor = pool->as_executor();
        const cvt::trained_head three = learn(g, options);
        CHECK(one.weights == three.weights);
        CHECK(one.bias == three.bias);
    }
}

TEST_CASE("products of many blocks and lanes: float32 agrees with float64") {
    constexpr int classes = 7;
    constexpr std::ptrdiff_t rows = 1500, width = 33;
    std::vector<float> embeddings(rows * width);
    std::vector<int> labels;
    std::uint64_t state = 7;
    const auto random = [&state] {
        state = state * 6364136223846793005U + 1442695040888963407U;
        return static_cast<float>(state >> 40) / static_cast<float>(1 << 24) - 0.5F;
    };
    for (std::ptrdiff_t i = 0; i < rows; ++i) {
        labels.push_back(static_cast<int>(i % classes));
        for (std::ptrdiff_t d = 0; d < width; ++d)
            embeddings[static_cast<std::size_t>(i * width + d)] = random() + (d % classes == i % classes ? 0.2F : 0.F);
    }
    const cvt::view<const float, 2> view{embeddings.data(), rows, width};
    const double strength[]{0.01};
    cvt::head_options options;
    options.strengths = strength;
    options.float64 = true;
    const auto exact = cvt::train_head(view, labels, classes, options);
    options.float64 = false;
    const auto quick = cvt::train_head(view, labels, classes, options);
    REQUIRE(exact);
    REQUIRE(quick);
    float largest = 0, difference = 0;
    for (std::size_t i = 0; i < exact->weights.size(); ++i) {
        largest = std::max(largest, std::fabs(exact->weights[i]));
        difference = std::max(difference, std::fabs(exact->weights[i] - quick->weights[i]));
    }
    CHECK(difference < 1e-3F * largest);
    CHECK(exact->trials[0].accuracy == Approx(quick->trials[0].accuracy).margin(0.003));
}

#endif

TEST_CASE("bad input is refused, and the message names the row or the class") {
    golden g{"clusters"};
    std::vector<int> labels = g.labels;
    refused(g, {labels.data(), 5}, 4, {}, "labels: expected one for each of 107 embeddings, found 5");
    refused(g, labels, 1, {}, "expected at least two classes, found 1");
    refused(g, labels, 5, {}, "class 4 has no row");
    refused(g, labels, 3, {}, "expected a label from 0 to 2, found 3");
    labels[17] = -1;
    refused(g, labels, 4, {}, "row 17: expected a label from 0 to 3, found -1");
    labels[17] = 0;
    refused(g, labels, 4, {.folds = 1}, "folds: expected 0 or at least 2, found 1");
    const double wrong[]{1, 0};
    refused(g, labels, 4, {.strengths = wrong}, "strengths: expected numbers above 0, found 0");
    const int groups[]{1};
    refused(g, labels, 4, {.groups = groups}, "groups: expected one for each of 107 embeddings, found 1");
    refused(g, labels, 4, {.executor = {.workers = 0}}, "executor: expected 1 to 256 workers, found 0");
    if (CVT_TEST_HAS_LBFGS) refused(g, labels, 4, {.float64 = false, .kernels = "mmx"}, "mmx");  // prototypes need no kernels
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        g.embeddings[5 * 16 + 3] = bad;
        refused(g, labels, 4, {}, "row 5, column 3: the embedding is not a finite number");
        refused(g, labels, 4, {.method = cvt::head_method::prototype}, "row 5, column 3");
    }
    CHECK_FALSE(cvt::train_head({}, {}, 2));
}

TEST_CASE("the progress function counts the fits and can end them") {
    const golden g{"clusters"};
    struct seen {
        int calls = 0, last_fit = -1, fits = 0;
    } seen;
    cvt::head_options options;
    options.context = &seen;
    options.progress = [](void* context, const cvt::head_progress& p) {
        auto& s = *static_cast<struct seen*>(context);
        ++s.calls;
        s.last_fit = p.fit;
        s.fits = p.fits;
        return true;
    };
    for (const cvt::head_method method : methods) {
        options.method = method;
        seen = {};
        (void)learn(g, options);
        CHECK(seen.last_fit + 1 == seen.fits);
        CHECK(seen.fits == (method == cvt::head_method::logistic ? 31 : 11));
        options.progress = [](void*, const cvt::head_progress& p) { return p.fit < 2; };
        refused(g, g.labels, g.classes, options, "ended by the caller's progress function");
        options.progress = [](void* context, const cvt::head_progress& p) {
            auto& s = *static_cast<struct seen*>(context);
            s.last_fit = p.fit;
            s.fits = p.fits;
            return true;
        };
    }
}
