// What logistic regression minimises, and its gradient.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cvt/runtime/executor.hpp>
#include <vector>

#include "design.hpp"
#include "exponentials.hpp"

CVT_NAMESPACE_BEGIN
namespace {

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

/// Mean log loss plus L2 of all weights but the intercepts, and its gradient.
template <class T>
class objective {
public:
    /// `data`: those rows, built.
    objective(const design<T>& data, const standardised_rows& from, double l2)
        : rows_{data},
          share_{shares(from.p, from.rows)},
          classes_{from.p.classes},
          width_{from.p.width()},
          l2_{l2},
          host_{from.p.options.executor},
          weights_(static_cast<std::size_t>(classes_ * width_)) {
        for (const std::ptrdiff_t i : from.rows) labels_.push_back(from.p.label(i));
        // The lanes depend on the problem, not on the host, so that sums have one order.
        const auto blocks = (static_cast<std::ptrdiff_t>(labels_.size()) + block_rows - 1) / block_rows;
        lanes_.resize(static_cast<std::size_t>(std::min<std::ptrdiff_t>(blocks, classes_ * width_ > (1 << 21) ? 2 : 8)));
        for (lane& l : lanes_) {
            l.gradient.resize(variables());
            l.scores.resize(static_cast<std::size_t>(classes_ * block_rows));
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

}  // namespace
CVT_NAMESPACE_END
