// Asks the shard first, then the records of earlier runs.
#include "selection.hpp"

#include <cstdio>

#include "escape.hpp"

namespace app {

bool selection::wants(const input& i) {
    if (!in_shard(i.path)) {
        if (!i.problem) return false;
        problem_elsewhere_();
        std::fprintf(stderr, "classify: %s: %s\n", terminal_text(i.path).c_str(), terminal_text(i.problem.what()).c_str());
        return false;
    }
    return !done_.take(i.path, i.id);
}

}  // namespace app
