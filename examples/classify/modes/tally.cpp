// tally.hpp: compares the ranked classes of a record with the expected one.
#include "modes/tally.hpp"

#include <algorithm>

namespace app {

void tally::add(std::size_t expected, const record& r) {
    if (r.problem) {
        failures.push_back({r.path, cvt::to_string(r.problem.code()), r.problem.what()});
        return;
    }
    const auto is_expected = [expected](const cvt::ranked& c) { return static_cast<std::size_t>(c.index) == expected; };
    const bool first = is_expected(r.top.front()), among = std::any_of(r.top.begin(), r.top.end(), is_expected);
    for (counts* c : {&all, &of_class[expected]}) {
        ++c->images;
        c->top1 += first ? 1U : 0U;
        c->top5 += among ? 1U : 0U;
    }
    if (!first) ++confusions[{expected, static_cast<std::size_t>(r.top.front().index)}];
}

}  // namespace app
