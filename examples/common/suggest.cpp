// suggest.hpp: the distance of two words is the number of letters to change, add, remove or swap with their neighbour.
#include "common/suggest.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/text.hpp"

namespace app {
namespace {

// Ignores case and the marks that join words.
std::string plain(std::string_view word) {
    std::string out;
    for (const char c : word)
        if (c != '-' && c != '_' && c != ' ') out += lower(c);
    return out;
}

// The optimal string alignment distance, three rows of its table at a time.
std::size_t distance(const std::string& a, const std::string& b) {
    std::vector<std::size_t> before, above, row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before = std::exchange(above, row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row.back();
}

}  // namespace

std::string did_you_mean(std::string_view given, const std::vector<std::string>& known) {
    const std::string word = plain(given.substr(0, 64));
    std::size_t least = (word.size() + 2) / 4 + 1;  // a suggestion needs fewer slips than this
    const std::string* nearest = nullptr;
    for (const std::string& candidate : known) {
        const std::size_t slips = distance(word, plain(candidate));
        if (slips >= least) continue;
        least = slips;
        nearest = &candidate;
    }
    return nearest == nullptr ? "" : "; did you mean \"" + *nearest + "\"?";
}

}  // namespace app
