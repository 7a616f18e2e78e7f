// The definitions of cvt/extra/head_trainer.hpp: the library cvt::head_trainer. Needs liblbfgs, unless CVT_WITHOUT_LBFGS is defined.
//
// Only this source includes the headers in head_trainer/. Their unnamed namespaces keep their names out of the program.
#include <cstddef>
#include <cvt/extra/head_trainer.hpp>
#include <new>

#if defined(CVT_LINK_LOAD)
#include <cvt/kernels/select.hpp>
#else
#include <cvt/kernels/sets.hpp>
#endif

#include "head_trainer/checks.hpp"
#include "head_trainer/folds.hpp"
#include "head_trainer/problem.hpp"
#include "head_trainer/prototypes.hpp"

#if !defined(CVT_WITHOUT_LBFGS)
#include "head_trainer/logistic_regression.hpp"
#endif

CVT_NAMESPACE_BEGIN
namespace {

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
