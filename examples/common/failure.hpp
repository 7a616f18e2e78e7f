// failure: ends the program early, with an exit code and a sentence for standard error.
#pragma once

#include <string>

namespace app {

enum exit_code : int {
    all_good = 0,
    some_failed = 1,
    wrong_usage = 2,
    no_model = 3,
    broken_pipe = 141,  // what shells report when the reader of a pipe has gone
};

/// Thrown anywhere in a program and caught in main. The library itself never throws.
struct failure {
    exit_code code;
    std::string message;  ///< empty: end quietly; main escapes it for the terminal
};

/// Throws failure (wrong_usage).
[[noreturn]] inline void refuse(const std::string& sentence) { throw failure{wrong_usage, sentence}; }
inline void refuse(bool wrong, const std::string& sentence) {
    if (wrong) refuse(sentence);
}

}  // namespace app
