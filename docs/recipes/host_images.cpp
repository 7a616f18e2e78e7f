// Recipes: pictures that OpenCV, Qt and stb_image hold already.
#include <memory>

#include "recipes.hpp"
#include "stand_ins.hpp"

// recipe: opencv
cvt::result<cvt::image_view> view_of(const cv::Mat& mat) {  // CV_8UC1, CV_8UC3 (BGR) or CV_8UC4 (BGRA)
    if (mat.depth() != CV_8U) return cvt::error::format(cvt::errc::bad_image, "cv::Mat: expected 8-bit elements (CV_8U)");
    const auto step = static_cast<std::ptrdiff_t>(mat.step);
    return cvt::image_view{mat.data, mat.cols, mat.rows, mat.channels(), step, cvt::channel_order::bgr};
}
// end

// recipe: qt
cvt::result<cvt::image_view> view_of(const QImage& image) {
    cvt::image_view view{image.constBits(), image.width(), image.height(), 4, static_cast<std::ptrdiff_t>(image.bytesPerLine())};
    switch (image.format()) {
        case QImage::Format_RGB32:  // 0xAARRGGBB, whose first byte in memory is blue on all but big-endian machines
        case QImage::Format_ARGB32: view.order = cvt::channel_order::bgr; break;
        case QImage::Format_RGBX8888:
        case QImage::Format_RGBA8888: break;
        case QImage::Format_BGR888: view.order = cvt::channel_order::bgr; [[fallthrough]];
        case QImage::Format_RGB888: view.channels = 3; break;
        case QImage::Format_Grayscale8: view.channels = 1; break;
        default: return cvt::error::format(cvt::errc::bad_image, "QImage: call convertToFormat(QImage::Format_RGB888) first");
    }
    return view;
}
// end

// recipe: stb
cvt::error classify_with_stb(cvt::session& session, const char* path, std::span<float> logits) {
    int width = 0, height = 0, in_file = 0;
    const std::unique_ptr<stbi_uc, void (*)(void*)> pixels{stbi_load(path, &width, &height, &in_file, 3), stbi_image_free};
    if (!pixels) return cvt::error::format(cvt::errc::bad_image, "%s: %s", path, stbi_failure_reason());
    return session.classify(cvt::image_view{pixels.get(), width, height, 3}, logits);
}
// end
