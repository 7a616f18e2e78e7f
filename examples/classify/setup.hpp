// From options to what runs: the model, its preprocessing, its labels.
#pragma once

#include <cvt/model.hpp>
#include <string>
#include <vector>

#include "options.hpp"

namespace app {

/// What the options and a checkpoint say together, its weights apart.
struct decisions {
    cvt::preprocessing preprocessing;
    const char* size_from;            ///< what decided the size of the input
    std::vector<std::string> labels;  ///< one a class; empty texts where there are none
};

struct setup : decisions {
    cvt::model model;
};

/// Loads the model and fits the options to it. Warnings go to standard error. Throws failure: no_model, or wrong_usage
/// where an option does not suit the model.
setup make_setup(const options& o);

/// Writes a model's warnings to standard error.
void print_warnings(const cvt::warning_list& warnings);

}  // namespace app
