// setup: the model, its preprocessing and its labels, as the options and the checkpoint decide.
#pragma once

#include <cvt/model.hpp>
#include <string>
#include <vector>

#include "options.hpp"

namespace app {

/// What the options and the checkpoint decide, apart from the weights.
struct decisions {
    cvt::preprocessing preprocessing;
    const char* size_from;            ///< what decided the size of the input
    std::vector<std::string> labels;  ///< one for each class; empty strings for classes without one
};

struct setup : decisions {
    cvt::model model;
};

/// Loads the model and applies the options to it. Writes warnings to standard error. Throws failure: no_model; wrong_usage if an
/// option does not fit the model.
setup make_setup(const options& o);

/// Writes a model's warnings to standard error.
void print_warnings(const cvt::warning_list& warnings);

}  // namespace app
