// What is refused before anything is learned.
#pragma once

#include <cstddef>
#include <cvt/float_bits.hpp>
#include <vector>

#include "problem.hpp"

CVT_NAMESPACE_BEGIN
namespace {

/// Returns the first fault of the rows, the labels or the options.
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

}  // namespace
CVT_NAMESPACE_END
