// Minimises an objective by liblbfgs, with rules of its own for the end.
#pragma once

#include <lbfgs.h>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>

#include "linear_head.hpp"
#include "objective.hpp"
#include "progress.hpp"

CVT_NAMESPACE_BEGIN
namespace {

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

}  // namespace
CVT_NAMESPACE_END
