// What the reports of --evaluate, --learn and --similar share: lists and fractions in JSON, and the confusions of classes.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace app {

/// A JSON list; `format` returns the JSON of an item.
template <class Items, class Format>
std::string json_list(const Items& items, const Format& format) {
    std::string out = "[";
    for (const auto& item : items) out += (out.size() > 1 ? ", " : "") + format(item);
    return out + ']';
}

/// `part` of `whole` in JSON; null if `whole` is 0.
std::string json_fraction(std::size_t part, std::size_t whole);

/// Inputs of one class that the model took for another.
struct confusion {
    std::size_t expected, found, inputs;
};

/// From the number of inputs by {expected, found}: most frequent first, then by class.
std::vector<confusion> sorted_confusions(const std::map<std::pair<std::size_t, std::size_t>, std::size_t>& inputs);

/// A JSON list of {"expected", "found", `unit`}.
std::string json_confusions(const std::vector<confusion>& sorted, const char* unit);

/// The end of a class's line in a table: "  kite 3, eagle 2, ...", the classes that it was most often taken for.
std::string confusions_text(const std::vector<confusion>& sorted, std::size_t expected,
                            const std::function<std::string(std::size_t)>& name);

}  // namespace app
