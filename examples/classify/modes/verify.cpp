// --verify: runs the self-test of a model and prints the result.
#include "modes/modes.hpp"

#include <cstdio>
#include <cvt/verify.hpp>

#include "common/failure.hpp"
#include "setup.hpp"

namespace app {

int verify(const options& o, const setup& s) {
    cvt::thread_pool pool = make_pool(o.threads);
    const cvt::result<cvt::verification> v = cvt::verify(s.model, pool.as_executor());
    if (!v) throw failure{some_failed, std::string{"--verify: "} + v.error().what()};
    std::printf("self-test      %zu %s of a generated image, %d x %d x %d\n", v->values, v->output, s.model.config().num_channels,
                v->height, v->width);
    std::printf("stored by      %s\n", v->stored_by);
    std::printf("run by         cvt %s, %s\n", CVT_VERSION_STRING, s.model.kernels());
    std::printf("difference     %.2g at most\n", v->difference);
    std::printf("limit          %.2g\n", v->limit);
    std::printf("result         %s\n", v->good() ? "good" : "WRONG: the values differ from those of the conversion");
    return v->good() ? all_good : some_failed;
}

}  // namespace app
