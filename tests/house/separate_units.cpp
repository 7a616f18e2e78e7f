// Loads a model in one translation unit and runs it in another, as model.hpp allows. Usage: separate_units MODEL
#include <cvt/load.hpp>

#include <cstdio>

#include "separate_units.hpp"

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const cvt::result<cvt::model> model = cvt::model::load(argv[1]);
    if (!model) {
        std::fprintf(stderr, "%s\n", model.error().what());
        return 1;
    }
    return largest_logit(*model) > 0.F ? 0 : 1;
}
