// Recipe: errors as values, in a file compiled with -fno-exceptions -fno-rtti.
#include <cvt/cvt.hpp>
#include <cvt/extra/decode.hpp>
#include <string>
#include <vector>

#if defined(__cpp_exceptions)
#error "this recipe is about a host without exceptions"
#endif

int exit_code_of(const char* model_path, const char* photo_path, std::string& message);

// recipe: errors
int exit_code_of(const char* model_path, const char* photo_path, std::string& message) {
    const auto failed = [&message](const cvt::error& e) {
        message = std::string{cvt::to_string(e.code())} + ": " + e.what();
        switch (e.code()) {
            case cvt::errc::io: return 2;             // try again later, or another path
            case cvt::errc::out_of_memory: return 3;  // a smaller input, fewer workers
            case cvt::errc::malformed:                // the file is damaged
            case cvt::errc::unsupported:              // or of a kind that is not supported
            case cvt::errc::bad_image: return 4;      // or too large
            default: return 1;                        // the text says what was expected and what was found
        }
    };
    const auto model = cvt::model::load(model_path);
    if (!model) return failed(model.error());
    const auto photo = cvt::read_image(photo_path, cvt::orientation::exif);
    if (!photo) return failed(photo.error());
    cvt::session session{*model};
    std::vector<float> logits(static_cast<std::size_t>(model->config().num_classes));
    if (const cvt::error e = session.classify(photo->view(), logits)) return failed(e);
    message = model->label(cvt::top_k<1>(logits)[0].index);
    return 0;
}
// end
