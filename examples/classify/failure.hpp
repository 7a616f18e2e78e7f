// failure: what ends the program before its time: an exit code and a sentence for standard error.
#pragma once

#include <string>

namespace app {

enum exit_code : int {
    all_good = 0,
    some_failed = 1,
    wrong_usage = 2,
    no_model = 3,
    broken_pipe = 141,  // what shells report for a reader that went away
};

/// Thrown anywhere, caught in main. The library below never throws; a program of its own may.
struct failure {
    exit_code code;
    std::string message;  ///< empty: end quietly
};

}  // namespace app
