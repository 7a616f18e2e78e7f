// The definitions of cvt/extra/head_trainer.hpp: the library cvt::head_trainer. Needs liblbfgs, unless CVT_WITHOUT_LBFGS is defined.
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <cvt/extra/head_trainer.hpp>
#include <cvt/float_bits.hpp>
#include <cvt/kernels/sets.hpp>
#include <cvt/runtime/buffer.hpp>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <unordered_map>
#include <utility>

#if !defined(CVT_WITHOUT_LBFGS)
#include <lbfgs.h>
#endif

CVT_NAMESPACE_BEGIN
namespace {

using rows_list = std::vector<std::ptrdiff_t>;

struct row_range {
    std::ptrdiff_t first, count;
};

constexpr std::ptrdiff_t block_rows = 512;  // rows of one product; sums over blocks are in double
constexpr std::array<double, 6> default_strengths{1e-4, 1e-3, 1e-2, 1e-1, 1, 10};

/// The problem as the caller gave it.
struct problem {
    view<const float, 2> embeddings;
    std::span<const int> labels;
    std::ptrdiff_t classes;
    const head_options& options;

    [[nodiscard]] std::ptrdiff_t width() const { return embeddings.extent(1); }
    [[nodiscard]] const float* row(std::ptrdiff_t i) const { return embeddings.data() + i * width(); }
    [[nodiscard]] int label(std::ptrdiff_t i) const { return labels[static_cast<std::size_t>(i)]; }
};

/// z = (x - mean) / scale, column by column.
struct standardisation {
    std::vector<double> mean, scale;
};

/// Fits as scikit-learn's StandardScaler: a constant column has the scale 1. Unused without liblbfgs.
[[maybe_unused]] standardisation fit_standardisation(const problem& p, const rows_list& rows) {
    const auto width = static_cast<std::size_t>(p.width());
    const auto count = static_cast<double>(rows.size());
    standardisation s{std::vector<double>(width, 0.0), std::vector<double>(width, 0.0)};
    for (const std::ptrdiff_t i : rows)
        for (std::size_t d = 0; d < width; ++d) s.mean[d] += static_cast<double>(p.row(i)[d]);
    for (double& m : s.mean) m /= count;
    for (const std::ptrdiff_t i : rows)
        for (std::size_t d = 0; d < width; ++d) {
            const double distance = static_cast<double>(p.row(i)[d]) - s.mean[d];
            s.scale[d] += distance * distance;
        }
    constexpr double eps = std::numeric_limits<double>::epsilon();
    for (std::size_t d = 0; d < width; ++d) {
        const double variance = s.scale[d] / count, rounding = count * s.mean[d] * eps;
        s.scale[d] = variance <= count * eps * variance + rounding * rounding ? 1.0 : std::sqrt(variance);
    }
    return s;
}

/// e^x for x <= 0, within 1e-7 of the value; a loop of it is vectorised at any compiler flags, which std::exp is not.
inline float exponential(float x) noexcept {
    x = x < -87.F ? -87.F : x;
    const int n = static_cast<int>(x * 1.44269504F - 0.5F);
    const auto power = static_cast<float>(n);
    const float r = (x - power * 0.693359375F) + power * 2.12194440e-4F;
    float sum = 1.F / 5040;
    for (const float c : {1.F / 720, 1.F / 120, 1.F / 24, 1.F / 6, 0.5F, 1.F, 1.F}) sum = sum * r + c;
    return sum * std::bit_cast<float>((n + 127) << 23);
}
inline double exponential(double x) noexcept { return std::exp(x); }

/// Standardised rows in blocks, and their products with other matrices. float: packed once for the kernels. double: by Eigen.
template <class T>
class design;

template <>
class design<double> {
public:
    bool build(const problem& p, const standardisation& s, const rows_list& rows, bool, const kernels::kernel_set*) {
        width_ = p.width();
        values_.resize(rows.size() * static_cast<std::size_t>(width_));
        double* to = values_.data();
        for (const std::ptrdiff_t i : rows)
            for (std::size_t d = 0; d < static_cast<std::size_t>(width_); ++d)
                *to++ = (static_cast<double>(p.row(i)[d]) - s.mean[d]) / s.scale[d];
        return true;
    }
    /// out (k, r.count) = w (k, width) * rows^T.
    void scores(row_range r, matrix<const double> w, matrix<double> out) const { mapped(out).noalias() = mapped(w) * block(r).transpose(); }
    /// out (k, width) = w (k, r.count) * rows.
    void combine(row_range r, matrix<const double> w, matrix<double> out) const { mapped(out).noalias() = mapped(w) * block(r); }

private:
    using dense = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

    static Eigen::Map<dense, 0, Eigen::OuterStride<>> mapped(matrix<double> m) {
        return {m.data, m.rows, m.cols, Eigen::OuterStride<>{m.stride}};
    }
    static Eigen::Map<const dense, 0, Eigen::OuterStride<>> mapped(matrix<const double> m) {
        return {m.data, m.rows, m.cols, Eigen::OuterStride<>{m.stride}};
    }
    [[nodiscard]] Eigen::Map<const dense> block(row_range r) const { return {values_.data() + r.first * width_, r.count, width_}; }

    std::ptrdiff_t width_ = 0;
    std::vector<double> values_;
};

template <>
class design<float> {
public:
    /// `both`: for combine() too, which needs the rows a second time, transposed. False when memory runs out.
    bool build(const problem& p, const standardisation& s, const rows_list& rows, bool both, const kernels::kernel_set* set) {
        kernels_ = &set->f32;
        width_ = p.width();
        const auto count = static_cast<std::ptrdiff_t>(rows.size()), blocks = (count + block_rows - 1) / block_rows;
        across_bytes_ = aligned(kernels_->packed_bytes(block_rows, width_));
        down_bytes_ = aligned(kernels_->packed_bytes(width_, block_rows));
        detail::buffer<float> plain;
        if (!plain.resize(std::uint64_t{block_rows} * static_cast<std::uint64_t>(width_)) ||
            !across_.resize(across_bytes_ * static_cast<std::uint64_t>(blocks)) ||
            (both && !down_.resize(down_bytes_ * static_cast<std::uint64_t>(blocks))))
            return false;
        for (std::ptrdiff_t b = 0; b < blocks; ++b) {
            const std::ptrdiff_t in_block = std::min(block_rows, count - b * block_rows);
            float* to = plain.data();
            for (std::ptrdiff_t j = 0; j < in_block; ++j) {
                const float* const from = p.row(rows[static_cast<std::size_t>(b * block_rows + j)]);
                for (std::size_t d = 0; d < static_cast<std::size_t>(width_); ++d)
                    *to++ = static_cast<float>((static_cast<double>(from[d]) - s.mean[d]) / s.scale[d]);
            }
            kernels_->pack({plain.data(), width_, 1, kernels::packed_at(*kernels_, across(b), in_block, width_)});
            if (both) kernels_->pack({plain.data(), 1, width_, kernels::packed_at(*kernels_, down(b), width_, in_block)});
        }
        return true;
    }
    void scores(row_range r, matrix<const float> w, matrix<float> out) const {
        multiply(w, packed(across_.data() + offset(r, across_bytes_), r.count, width_), out);
    }
    void combine(row_range r, matrix<const float> w, matrix<float> out) const {
        multiply(w, packed(down_.data() + offset(r, down_bytes_), width_, r.count), out);
    }

private:
    static std::uint64_t aligned(std::uint64_t bytes) { return (bytes + 63) / 64 * 64; }
    /// The place of a block. It fits an address, because build() has the memory of all blocks.
    static std::size_t place(std::ptrdiff_t block, std::uint64_t bytes) {
        return static_cast<std::size_t>(bytes * static_cast<std::uint64_t>(block));
    }
    static std::size_t offset(row_range r, std::uint64_t bytes) { return place(r.first / block_rows, bytes); }
    std::byte* across(std::ptrdiff_t b) { return across_.data() + place(b, across_bytes_); }
    std::byte* down(std::ptrdiff_t b) { return down_.data() + place(b, down_bytes_); }
    [[nodiscard]] kernels::packed_matrix packed(const std::byte* data, std::ptrdiff_t n, std::ptrdiff_t k) const {
        return {.kernels = kernels_, .data = data, .n = n, .k = k, .packed_k = k};
    }
    void multiply(matrix<const float> in, kernels::packed_matrix w, matrix<float> out) const {
        kernels_->multiply({.in = in, .w = w, .out = out});
    }

    const kernels::gemm_kernels* kernels_ = nullptr;
    std::ptrdiff_t width_ = 0;
    std::uint64_t across_bytes_ = 0, down_bytes_ = 0;  // of one block
    detail::buffer<std::byte> across_, down_;          // (rows, width) and (width, rows) of each block
};

/// A linear layer on standardised embeddings, (classes, width) and (classes).
struct linear_head {
    std::vector<double> weights, bias;
};

/// Column j of `scores` (classes, count) becomes e^(score - largest), with the bias added first. Writes the largest score and the sum.
template <class T>
void exponentials(matrix<T> scores, const double* bias, T* largest, double* sums) noexcept {
    const auto count = static_cast<std::size_t>(scores.cols);
    std::fill_n(largest, count, -std::numeric_limits<T>::max());
    std::fill_n(sums, count, 0.0);
    for (std::ptrdiff_t k = 0; k < scores.rows; ++k) {
        T* const row = scores.row(k);
        const T add = static_cast<T>(bias[k]);
        for (std::size_t j = 0; j < count; ++j) {
            row[j] += add;
            largest[j] = row[j] > largest[j] ? row[j] : largest[j];
        }
    }
    for (std::ptrdiff_t k = 0; k < scores.rows; ++k) {
        T* const row = scores.row(k);
        for (std::size_t j = 0; j < count; ++j) row[j] = exponential(row[j] - largest[j]);
        for (std::size_t j = 0; j < count; ++j) sums[j] += static_cast<double>(row[j]);
    }
}

/// Mean log loss plus L2 of all weights but the intercepts, and its gradient.
template <class T>
class objective {
public:
    /// `share`: (rows) weights that sum to 1.
    objective(const design<T>& rows, std::vector<int> labels, std::vector<double> share, std::ptrdiff_t classes, std::ptrdiff_t width,
              double l2, const executor& host)
        : rows_{rows},
          labels_{std::move(labels)},
          share_{std::move(share)},
          classes_{classes},
          width_{width},
          l2_{l2},
          host_{host},
          weights_(static_cast<std::size_t>(classes * width)) {
        // The lanes depend on the problem, not on the host, so that sums have one order.
        const auto blocks = (static_cast<std::ptrdiff_t>(labels_.size()) + block_rows - 1) / block_rows;
        lanes_.resize(static_cast<std::size_t>(std::min<std::ptrdiff_t>(blocks, classes * width > (1 << 21) ? 2 : 8)));
        for (lane& l : lanes_) {
            l.gradient.resize(variables());
            l.scores.resize(static_cast<std::size_t>(classes * block_rows));
            l.part.resize(weights_.size());
            l.largest.resize(static_cast<std::size_t>(block_rows));
            l.own.resize(static_cast<std::size_t>(block_rows));
            l.sums.resize(static_cast<std::size_t>(block_rows));
        }
    }

    [[nodiscard]] std::size_t variables() const { return static_cast<std::size_t>(classes_ * (width_ + 1)); }

    /// `x`: weights (classes, width), then intercepts.
    double operator()(const double* x, double* gradient) noexcept {
        const std::size_t count = weights_.size();
        for (std::size_t i = 0; i < count; ++i) weights_[i] = static_cast<T>(x[i]);
        detail::parallel_for(host_, static_cast<std::ptrdiff_t>(lanes_.size()), [&](std::ptrdiff_t l, int) noexcept { run(l, x + count); });
        double loss = 0, squares = 0;
        for (std::size_t i = 0; i < count; ++i) {
            squares += x[i] * x[i];
            gradient[i] = l2_ * x[i];
        }
        std::fill(gradient + count, gradient + variables(), 0.0);
        for (const lane& l : lanes_) {
            loss += l.loss;
            for (std::size_t i = 0; i < variables(); ++i) gradient[i] += l.gradient[i];
        }
        return loss + 0.5 * l2_ * squares;
    }

private:
    struct lane {
        std::vector<double> gradient, sums;
        std::vector<T> scores, part, largest, own;
        double loss = 0;
    };

    void run(std::ptrdiff_t number, const double* bias) noexcept {
        lane& l = lanes_[static_cast<std::size_t>(number)];
        l.loss = 0;
        std::fill(l.gradient.begin(), l.gradient.end(), 0.0);
        const auto count = static_cast<std::ptrdiff_t>(labels_.size()), step = static_cast<std::ptrdiff_t>(lanes_.size()) * block_rows;
        for (std::ptrdiff_t first = number * block_rows; first < count; first += step)
            run_block(l, {first, std::min(block_rows, count - first)}, bias);
    }

    void run_block(lane& l, row_range r, const double* bias) noexcept {
        const matrix<T> scores{.data = l.scores.data(), .rows = classes_, .cols = r.count, .stride = r.count};
        const matrix<T> part{.data = l.part.data(), .rows = classes_, .cols = width_, .stride = width_};
        const int* const labels = labels_.data() + r.first;
        const double* const share = share_.data() + r.first;
        rows_.scores(r, {.data = weights_.data(), .rows = classes_, .cols = width_, .stride = width_}, scores);
        const auto in_block = static_cast<std::size_t>(r.count);
        for (std::size_t j = 0; j < in_block; ++j) l.own[j] = scores.row(labels[j])[j] + static_cast<T>(bias[labels[j]]);
        exponentials(scores, bias, l.largest.data(), l.sums.data());
        for (std::size_t j = 0; j < in_block; ++j) {
            l.loss += share[j] * (std::log(l.sums[j]) + static_cast<double>(l.largest[j]) - static_cast<double>(l.own[j]));
            l.own[j] = static_cast<T>(share[j] / l.sums[j]);
        }
        // The gradient by the scores: share * (probability - 1 for the own class).
        double* const of_bias = l.gradient.data() + weights_.size();
        for (std::ptrdiff_t k = 0; k < classes_; ++k) {
            T* const row = scores.row(k);
            for (std::size_t j = 0; j < in_block; ++j) row[j] *= l.own[j];
        }
        for (std::size_t j = 0; j < in_block; ++j) scores.row(labels[j])[j] -= static_cast<T>(share[j]);
        for (std::ptrdiff_t k = 0; k < classes_; ++k) {
            const T* const row = scores.row(k);
            double sum = 0;
            for (std::size_t j = 0; j < in_block; ++j) sum += static_cast<double>(row[j]);
            of_bias[k] += sum;
        }
        rows_.combine(r, scores, part);
        for (std::size_t i = 0; i < l.part.size(); ++i) l.gradient[i] += static_cast<double>(l.part[i]);
    }

    const design<T>& rows_;
    std::vector<int> labels_;
    std::vector<double> share_;
    std::ptrdiff_t classes_, width_;
    double l2_;
    const executor& host_;
    std::vector<T> weights_;
    std::vector<lane> lanes_;
};

/// Reports progress, and counts fits.
struct progress_of {
    const head_options& options;
    head_progress at;

    [[nodiscard]] bool step(int iteration) {
        at.iteration = iteration;
        return options.progress == nullptr || options.progress(options.context, at);
    }
};

error cancelled() { return error::format(errc::invalid_argument, "train_head: ended by the caller's progress function"); }

#if !defined(CVT_WITHOUT_LBFGS)

/// When a fit ends: the largest element of the gradient of the mean loss, or the loss that ten steps gain, in parts of it.
struct stop_rule {
    double gradient, gain;
};
template <class T>
constexpr stop_rule stop_at{1e-10, 1e-15};
template <>
constexpr stop_rule stop_at<float>{2e-8, 1e-8};
/// Fits in float32 that are only scored: the loss is far more exact than the accuracy of held-out rows.
constexpr stop_rule stop_early{1e-7, 1e-4};

/// Minimises from `head` on and leaves the minimum there.
template <class T>
error minimise(objective<T>& f, stop_rule stop, linear_head& head, progress_of& progress, int& iterations) {
    struct run {
        objective<T>& f;
        progress_of& progress;
        stop_rule stop;
        double past[10];
        int iterations = 0;
        bool stopped_by_host = false;
    } state{f, progress, stop, {}};
    const std::size_t count = f.variables(), padded = (count + 15) / 16 * 16;  // liblbfgs's SSE code takes multiples of 8
    const std::unique_ptr<double, decltype(&lbfgs_free)> x{lbfgs_malloc(static_cast<int>(padded)), &lbfgs_free};
    if (!x) return error::out_of_memory("train_head", padded * sizeof(double));
    std::fill_n(x.get(), padded, 0.0);
    std::copy(head.weights.begin(), head.weights.end(), x.get());
    std::copy(head.bias.begin(), head.bias.end(), x.get() + head.weights.size());

    lbfgs_parameter_t parameters;
    lbfgs_parameter_init(&parameters);
    parameters.m = 10;
    parameters.epsilon = 1e-30;  // the progress function decides
    parameters.max_iterations = 10000;
    const int code = lbfgs(
        static_cast<int>(padded), x.get(), nullptr,
        [](void* context, const double* at, double* gradient, int n, double) {
            objective<T>& function = static_cast<run*>(context)->f;
            std::fill(gradient + function.variables(), gradient + n, 0.0);
            return function(at, gradient);
        },
        [](void* context, const double*, const double* gradient, double loss, double, double, double, int n, int k, int) {
            run& r = *static_cast<run*>(context);
            r.iterations = k;
            if (!r.progress.step(k)) {
                r.stopped_by_host = true;
                return 1;
            }
            double steepest = 0;
            for (int i = 0; i < n; ++i) steepest = std::max(steepest, std::fabs(gradient[i]));
            double& ten_ago = r.past[k % 10];
            const bool slow = k > 10 && ten_ago - loss <= r.stop.gain * loss;
            ten_ago = loss;
            return steepest <= r.stop.gradient || slow ? 1 : 0;
        },
        &state, &parameters);
    iterations = state.iterations;
    if (state.stopped_by_host) return cancelled();
    if (code == LBFGSERR_OUTOFMEMORY) return error::out_of_memory("train_head", 24 * padded * sizeof(double));
    // Other codes mean that rounding ended the line search: the point is the best so far.
    std::copy_n(x.get(), head.weights.size(), head.weights.begin());
    std::copy_n(x.get() + head.weights.size(), head.bias.size(), head.bias.begin());
    return {};
}

#endif

/// The folds of the rows and the rows that are scored.
struct fold_plan {
    int folds = 0;
    std::vector<int> fold_of;  // -1: always among the rows of the fit
    std::vector<bool> first;   // of its group
};

/// Steele, Lea and Flood's SplitMix64.
std::uint64_t next_random(std::uint64_t& state) {
    std::uint64_t z = state += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

result<fold_plan> plan_folds(const problem& p) {
    const std::size_t count = p.labels.size();
    const std::span<const int> groups = p.options.groups;
    fold_plan plan{0, std::vector<int>(count, -1), std::vector<bool>(count, true)};
    std::vector<std::size_t> first_row(count);  // of the row's group
    std::vector<std::vector<std::size_t>> of_class(static_cast<std::size_t>(p.classes));
    std::unordered_map<int, std::size_t> known;
    for (std::size_t i = 0; i < count; ++i) {
        first_row[i] = groups.empty() ? i : known.emplace(groups[i], i).first->second;
        plan.first[i] = first_row[i] == i;
        if (p.labels[first_row[i]] != p.labels[i])
            return error::format(errc::invalid_argument,
                                 "groups: expected one class in a group, found rows %zu and %zu of classes %d and %d", first_row[i], i,
                                 p.labels[first_row[i]], p.labels[i]);
        if (plan.first[i]) of_class[static_cast<std::size_t>(p.labels[i])].push_back(i);
    }
    std::size_t most = 0;
    for (const auto& members : of_class) most = std::max(most, members.size());
    plan.folds = static_cast<int>(std::min<std::size_t>(most, static_cast<std::size_t>(p.options.folds)));
    if (plan.folds < 2) plan.folds = 0;
    std::uint64_t state = p.options.seed;
    std::size_t dealt = 0;
    for (auto& members : of_class) {
        for (std::size_t i = members.size(); i > 1; --i)
            std::swap(members[i - 1], members[static_cast<std::size_t>(next_random(state) % i)]);
        if (plan.folds == 0 || members.size() < 2) continue;
        for (const std::size_t row : members) plan.fold_of[row] = static_cast<int>(dealt++ % static_cast<std::size_t>(plan.folds));
    }
    for (std::size_t i = 0; i < count; ++i) plan.fold_of[i] = plan.fold_of[first_row[i]];
    return plan;
}

/// Rows of a fit, and those that it scores.
struct split {
    rows_list train, scored;
};

split split_of(const fold_plan& plan, int fold) {
    split s;
    for (std::size_t i = 0; i < plan.fold_of.size(); ++i) {
        if (plan.fold_of[i] != fold || fold < 0)
            s.train.push_back(static_cast<std::ptrdiff_t>(i));
        else if (plan.first[i])
            s.scored.push_back(static_cast<std::ptrdiff_t>(i));
    }
    return s;
}

/// Calls visit(row, its column of exponentials, their sum) for the rows of `s.scored`.
template <class T>
error score(const problem& p, const rows_list& rows, const standardisation& s, const linear_head& head, double factor,
            const kernels::kernel_set* set, auto&& visit) {
    design<T> data;
    if (!data.build(p, s, rows, false, set))
        return error::out_of_memory("train_head", rows.size() * static_cast<std::size_t>(p.width()) * sizeof(T));
    std::vector<T> weights(head.weights.size()), scores(static_cast<std::size_t>(p.classes * block_rows)), largest(block_rows);
    std::vector<double> bias = head.bias, sums(block_rows);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<T>(factor * head.weights[i]);
    for (double& b : bias) b *= factor;
    const auto count = static_cast<std::ptrdiff_t>(rows.size());
    for (std::ptrdiff_t first = 0; first < count; first += block_rows) {
        const row_range r{first, std::min(block_rows, count - first)};
        const matrix<T> out{.data = scores.data(), .rows = p.classes, .cols = r.count, .stride = r.count};
        data.scores(r, {.data = weights.data(), .rows = p.classes, .cols = p.width(), .stride = p.width()}, out);
        exponentials(out, bias.data(), largest.data(), sums.data());
        for (std::ptrdiff_t j = 0; j < r.count; ++j)
            visit(rows[static_cast<std::size_t>(first + j)], out.cols_at(j, 1), sums[static_cast<std::size_t>(j)]);
    }
    return {};
}

constexpr double least_probability = 1e-38;  // of a log loss

/// Adds the scored rows of one fold to a trial.
template <class T>
error add_fold(const problem& p, const split& part, const standardisation& s, const linear_head& head, double factor, int fold,
               const kernels::kernel_set* set, head_trial& trial, std::vector<held_out_row>& rows) {
    int correct = 0;
    const error e = score<T>(p, part.scored, s, head, factor, set, [&](std::ptrdiff_t i, matrix<T> column, double sum) {
        std::ptrdiff_t best = 0;
        for (std::ptrdiff_t k = 1; k < column.rows; ++k)
            if (*column.row(k) > *column.row(best)) best = k;
        held_out_row& row = rows[static_cast<std::size_t>(i)];
        row.predicted = static_cast<int>(best);
        row.probability = static_cast<double>(*column.row(best)) / sum;
        row.of_label = static_cast<double>(*column.row(p.label(i))) / sum;
        correct += best == p.label(i) ? 1 : 0;
        trial.log_loss -= std::log(std::max(row.of_label, least_probability));
    });
    trial.correct[static_cast<std::size_t>(fold)] = correct;
    return e;
}

/// Computes the means of a trial whose folds are all counted.
void conclude(head_trial& t, const std::vector<int>& fold_sizes) {
    const auto folds = static_cast<double>(fold_sizes.size());
    const auto accuracy = [&](std::size_t f) { return static_cast<double>(t.correct[f]) / static_cast<double>(fold_sizes[f]); };
    for (std::size_t f = 0; f < fold_sizes.size(); ++f) t.accuracy += accuracy(f) / folds;
    for (std::size_t f = 0; f < fold_sizes.size(); ++f) t.spread += (accuracy(f) - t.accuracy) * (accuracy(f) - t.accuracy) / folds;
    t.spread = std::sqrt(t.spread);
    t.log_loss /= std::accumulate(fold_sizes.begin(), fold_sizes.end(), 0.0);
}

/// Folds the standardisation into the head.
void write_head(const problem& p, const linear_head& from, const standardisation& s, double factor, trained_head& to) {
    const auto width = static_cast<std::size_t>(p.width()), classes = static_cast<std::size_t>(p.classes);
    to.weights.resize(classes * width);
    to.bias.resize(classes);
    for (std::size_t k = 0; k < classes; ++k) {
        double bias = from.bias[k];
        for (std::size_t d = 0; d < width; ++d) {
            const double w = from.weights[k * width + d] / s.scale[d];
            to.weights[k * width + d] = static_cast<float>(factor * w);
            bias -= w * s.mean[d];
        }
        to.bias[k] = static_cast<float>(factor * bias);
    }
}

linear_head empty_head(const problem& p) {
    return {std::vector<double>(static_cast<std::size_t>(p.classes * p.width()), 0.0),
            std::vector<double>(static_cast<std::size_t>(p.classes), 0.0)};
}

// ---- logistic regression

#if !defined(CVT_WITHOUT_LBFGS)

/// The weights of the rows in the loss, which sum to 1.
std::vector<double> shares(const problem& p, const rows_list& rows) {
    std::vector<double> of_class(static_cast<std::size_t>(p.classes), 0.0);
    for (const std::ptrdiff_t i : rows) ++of_class[static_cast<std::size_t>(p.label(i))];
    const auto present = static_cast<double>(std::count_if(of_class.begin(), of_class.end(), [](double n) { return n > 0; }));
    std::vector<double> share;
    for (const std::ptrdiff_t i : rows)
        share.push_back(p.options.balanced ? 1 / (present * of_class[static_cast<std::size_t>(p.label(i))])
                                           : 1 / static_cast<double>(rows.size()));
    return share;
}

template <class T>
error fit(const problem& p, const rows_list& rows, const standardisation& s, double strength, const kernels::kernel_set* set,
          linear_head& head, progress_of& progress, int& iterations) {
    design<T> data;
    if (!data.build(p, s, rows, true, set))
        return error::out_of_memory("train_head", 2 * rows.size() * static_cast<std::size_t>(p.width()) * sizeof(T));
    std::vector<int> labels;
    for (const std::ptrdiff_t i : rows) labels.push_back(p.label(i));
    // Two rows of weights w and -w with this factor are one row 2w with half of it.
    const double l2 = (p.classes == 2 ? 2.0 : 1.0) / (strength * static_cast<double>(rows.size()));
    objective<T> f{data, std::move(labels), shares(p, rows), p.classes, p.width(), l2, p.options.executor};
    const bool scored_only = std::is_same_v<T, float> && progress.at.fit + 1 < progress.at.fits;
    return minimise(f, scored_only ? stop_early : stop_at<T>, head, progress, iterations);
}

template <class T>
error learn_logistic(const problem& p, const fold_plan& plan, const kernels::kernel_set* set, trained_head& out) {
    std::vector<double> strengths{p.options.strengths.begin(), p.options.strengths.end()};
    if (strengths.empty()) strengths.assign(default_strengths.begin(), default_strengths.end());
    if (plan.folds == 0) strengths = {p.options.strengths.empty() ? 1.0 : strengths.front()};
    std::sort(strengths.begin(), strengths.end());
    strengths.erase(std::unique(strengths.begin(), strengths.end()), strengths.end());
    progress_of progress{p.options, {0, static_cast<int>(strengths.size()) * plan.folds + 1, 0}};

    std::vector<linear_head> heads(static_cast<std::size_t>(plan.folds), empty_head(p));  // warm starts
    std::vector<held_out_row> rows;
    linear_head start = empty_head(p);  // of the last fit: a fold's head at the chosen strength
    out.strength = strengths.front();
    for (std::size_t c = 0; plan.folds > 0 && c < strengths.size(); ++c) {
        head_trial trial{.strength = strengths[c], .correct = std::vector<int>(static_cast<std::size_t>(plan.folds))};
        rows = out.rows;
        for (int fold = 0; fold < plan.folds; ++fold, ++progress.at.fit) {
            const split part = split_of(plan, fold);
            const standardisation s = fit_standardisation(p, part.train);
            linear_head& head = heads[static_cast<std::size_t>(fold)];
            int iterations = 0;
            if (error e = fit<T>(p, part.train, s, strengths[c], set, head, progress, iterations)) return e;
            if (error e = add_fold<T>(p, part, s, head, 1.0, fold, set, trial, rows)) return e;
        }
        conclude(trial, out.fold_sizes);
        if (out.trials.empty() || trial.log_loss < out.trials[out.chosen].log_loss) {
            out.chosen = c;
            out.rows = rows;
            out.strength = strengths[c];
            start = heads.front();
        }
        out.trials.push_back(std::move(trial));
    }
    const split all = split_of(plan, -1);
    const standardisation s = fit_standardisation(p, all.train);
    if (error e = fit<T>(p, all.train, s, out.strength, set, start, progress, out.iterations)) return e;
    write_head(p, start, s, 1.0, out);
    return {};
}

#endif

// ---- prototypes

/// The mean of the classes' means, which is not standardised; and each class's mean direction from there, of length 1.
linear_head prototypes(const problem& p, const rows_list& rows, standardisation& centre, double& length) {
    const auto width = static_cast<std::size_t>(p.width());
    linear_head head = empty_head(p);
    std::vector<double> count(static_cast<std::size_t>(p.classes), 0.0);
    centre = {std::vector<double>(width, 0.0), std::vector<double>(width, 1.0)};
    for (const std::ptrdiff_t i : rows) {
        ++count[static_cast<std::size_t>(p.label(i))];
        double* const sum = head.weights.data() + static_cast<std::size_t>(p.label(i)) * width;
        for (std::size_t d = 0; d < width; ++d) sum[d] += static_cast<double>(p.row(i)[d]);
    }
    for (std::size_t k = 0; k < count.size(); ++k)
        for (std::size_t d = 0; d < width; ++d) centre.mean[d] += head.weights[k * width + d] / count[k] / static_cast<double>(p.classes);
    std::fill(head.weights.begin(), head.weights.end(), 0.0);
    std::vector<double> z(width);
    length = 0;
    for (const std::ptrdiff_t i : rows) {
        double squares = 0;
        for (std::size_t d = 0; d < width; ++d) {
            z[d] = static_cast<double>(p.row(i)[d]) - centre.mean[d];
            squares += z[d] * z[d];
        }
        const double norm = std::sqrt(squares);
        length += norm / static_cast<double>(rows.size());
        double* const sum = head.weights.data() + static_cast<std::size_t>(p.label(i)) * width;
        for (std::size_t d = 0; norm > 0 && d < width; ++d) sum[d] += z[d] / norm;
    }
    for (std::size_t k = 0; k < count.size(); ++k) {
        double* const row = head.weights.data() + k * width;
        const double norm = std::sqrt(std::inner_product(row, row + width, row, 0.0));
        for (std::size_t d = 0; norm > 0 && d < width; ++d) row[d] /= norm;
    }
    return head;
}

/// The order of the classes is that of the cosines. The factor of all logits, which decides only how sure the probabilities are, is the
/// one with the lowest log loss of the held-out rows.
error learn_prototypes(const problem& p, const fold_plan& plan, trained_head& out) {
    progress_of progress{p.options, {0, 2 * plan.folds + 1, 0}};
    standardisation centre;
    double length = 0, factor = 10;  // of logits that would be cosines
    const auto scaled = [&] { return length > 0 ? factor / length : factor; };
    if (plan.folds > 0) {
        constexpr int steps = 25;  // 1 to 256, by quarters of an octave and a third
        std::array<double, steps> loss{};
        const auto factor_at = [](int step) { return std::exp2(step / 3.0); };
        for (int fold = 0; fold < plan.folds; ++fold, ++progress.at.fit) {
            if (!progress.step(0)) return cancelled();
            const split part = split_of(plan, fold);
            const linear_head head = prototypes(p, part.train, centre, length);
            for (int step = 0; step < steps; ++step) {
                factor = factor_at(step);
                const error e = score<double>(
                    p, part.scored, centre, head, scaled(), nullptr, [&](std::ptrdiff_t i, matrix<double> column, double sum) {
                        loss[static_cast<std::size_t>(step)] -= std::log(std::max(*column.row(p.label(i)) / sum, least_probability));
                    });
                if (e) return e;
            }
        }
        factor = factor_at(static_cast<int>(std::min_element(loss.begin(), loss.end()) - loss.begin()));
        head_trial trial{.correct = std::vector<int>(static_cast<std::size_t>(plan.folds))};
        for (int fold = 0; fold < plan.folds; ++fold, ++progress.at.fit) {
            if (!progress.step(0)) return cancelled();
            const split part = split_of(plan, fold);
            const linear_head head = prototypes(p, part.train, centre, length);
            if (error e = add_fold<double>(p, part, centre, head, scaled(), fold, nullptr, trial, out.rows)) return e;
        }
        conclude(trial, out.fold_sizes);
        out.trials.push_back(std::move(trial));
    }
    if (!progress.step(0)) return cancelled();
    const linear_head head = prototypes(p, split_of(plan, -1).train, centre, length);
    write_head(p, head, centre, scaled(), out);
    return {};
}

// ---- checks

error check(const problem& p) {
    const head_options& o = p.options;
    const std::ptrdiff_t rows = p.embeddings.extent(0);
    if (p.embeddings.data() == nullptr || rows < 1 || p.width() < 1)
        return error::format(errc::invalid_argument, "embeddings: expected rows and columns, found %td x %td", rows, p.width());
    if (p.labels.size() != static_cast<std::size_t>(rows))
        return error::format(errc::invalid_argument, "labels: expected one for each of %td embeddings, found %zu", rows, p.labels.size());
    if (p.classes < 2) return error::format(errc::invalid_argument, "expected at least two classes, found %td", p.classes);
    if (p.classes > (1 << 24) || p.classes * (p.width() + 1) > (1 << 30))
        return error::format(errc::invalid_argument, "%td classes of %td columns are more than 2^30 weights", p.classes, p.width());
    if (!o.groups.empty() && o.groups.size() != p.labels.size())
        return error::format(errc::invalid_argument, "groups: expected one for each of %td embeddings, found %zu", rows, o.groups.size());
    if (o.folds < 0 || o.folds == 1) return error::format(errc::invalid_argument, "folds: expected 0 or at least 2, found %d", o.folds);
    for (const double c : o.strengths)
        if (!(c > 0) || !(c <= 1e15)) return error::format(errc::invalid_argument, "strengths: expected numbers above 0, found %g", c);
    if (error e = detail::check_workers(o.executor.workers)) return e;

    std::vector<std::size_t> of_class(static_cast<std::size_t>(p.classes), 0);
    for (std::ptrdiff_t i = 0; i < rows; ++i) {
        if (p.label(i) < 0 || p.label(i) >= p.classes)
            return error::format(errc::invalid_argument, "row %td: expected a label from 0 to %td, found %d", i, p.classes - 1, p.label(i));
        ++of_class[static_cast<std::size_t>(p.label(i))];
        for (std::ptrdiff_t d = 0; d < p.width(); ++d)
            if (!detail::is_finite(p.row(i)[d]))
                return error::format(errc::invalid_argument, "row %td, column %td: the embedding is not a finite number", i, d);
    }
    for (std::size_t k = 0; k < of_class.size(); ++k)
        if (of_class[k] == 0) return error::format(errc::invalid_argument, "class %zu has no row", k);
    return {};
}

/// Whether products are in float64. Unused without liblbfgs.
[[maybe_unused]] bool uses_float64(const problem& p) {
    constexpr double limit = 1 << 28;  // multiply-adds: about 50 ms
    return p.options.float64.value_or(static_cast<double>(p.embeddings.size()) * static_cast<double>(p.classes) <= limit);
}

result<trained_head> learn(const problem& p) {
    if (error e = check(p)) return e;
    const result<fold_plan> plan = plan_folds(p);
    if (!plan) return plan.error();
    trained_head out;
    out.rows.resize(p.labels.size());
    out.fold_sizes.resize(static_cast<std::size_t>(plan->folds));
    for (std::size_t i = 0; i < out.rows.size(); ++i) {
        out.rows[i].fold = plan->fold_of[i];
        if (plan->fold_of[i] >= 0 && plan->first[i]) ++out.fold_sizes[static_cast<std::size_t>(plan->fold_of[i])];
    }
    if (p.options.method == head_method::prototype) {
        if (error e = learn_prototypes(p, *plan, out)) return e;
        return out;
    }
#if defined(CVT_WITHOUT_LBFGS)
    return error::format(errc::unsupported,
                         "logistic regression: this program was built without liblbfgs (Debian: liblbfgs-dev); prototypes need no library");
#else
    if (uses_float64(p)) {
        if (error e = learn_logistic<double>(p, *plan, nullptr, out)) return e;
        return out;
    }
    const result<const kernels::kernel_set*> set = kernels::select(p.options.kernels);
    if (!set) return set.error();
    if (error e = learn_logistic<float>(p, *plan, *set, out)) return e;
    return out;
#endif
}

}  // namespace

result<trained_head> train_head(view<const float, 2> embeddings, std::span<const int> labels, int classes,
                                const head_options& options) noexcept {
    const problem p{embeddings, labels, classes, options};
#if defined(__cpp_exceptions)
    try {
        return learn(p);
    } catch (const std::bad_alloc&) {
        return error::out_of_memory("train_head", static_cast<unsigned long long>(embeddings.size()) * 2 * sizeof(float));
    }
#else
    return learn(p);
#endif
}

CVT_NAMESPACE_END
