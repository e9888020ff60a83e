"""The protobuf messages of remote write, made from their definitions: what our reading is held to.

Definitions: prometheus/prompb/{remote,types}.proto and prompb/io/prometheus/write/v2/types.proto
"""

import cramjam
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

DOUBLE, INT64, STRING, UINT32 = (
    FieldDescriptorProto.TYPE_DOUBLE,
    FieldDescriptorProto.TYPE_INT64,
    FieldDescriptorProto.TYPE_STRING,
    FieldDescriptorProto.TYPE_UINT32,
)
# Message -> (field, type, number, repeated)
SHARED = {
    "Label": (("name", STRING, 1, False), ("value", STRING, 2, False)),
    "Sample": (("value", DOUBLE, 1, False), ("timestamp", INT64, 2, False)),
    "Histogram": (("timestamp", INT64, 15, False),),
    "Exemplar": (("value", DOUBLE, 2, False), ("timestamp", INT64, 3, False)),
    "Metadata": (("help", STRING, 4, False),),
}
VERSION_1 = {
    **SHARED,
    "Series": (
        ("labels", "Label", 1, True),
        ("samples", "Sample", 2, True),
        ("exemplars", "Exemplar", 3, True),
        ("histograms", "Histogram", 4, True),
    ),
    "Request": (("series", "Series", 1, True), ("metadata", "Metadata", 3, True)),
}
VERSION_2 = {
    **SHARED,
    "Series": (
        ("labels_refs", UINT32, 1, True),
        ("samples", "Sample", 2, True),
        ("histograms", "Histogram", 3, True),
        ("exemplars", "Exemplar", 4, True),
        ("metadata", "Metadata", 5, False),
    ),
    "Request": (("symbols", STRING, 4, True), ("series", "Series", 5, True)),
}


def request_class(messages):
    """Return the class of the message ``Request``."""
    file = FileDescriptorProto(name="remote.proto", package="test", syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, kind, number, repeated in fields:
            one = message.field.add(name=field, number=number)
            one.label = one.LABEL_REPEATED if repeated else one.LABEL_OPTIONAL
            if isinstance(kind, str):
                one.type, one.type_name = one.TYPE_MESSAGE, f".test.{kind}"
            else:
                one.type = kind
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("test.Request"))


Request1 = request_class(VERSION_1)
Request2 = request_class(VERSION_2)


def request_1(*series):
    """Return a request of version 1.0 with (labels, samples) each, as a message."""
    request = Request1()
    for labels, samples in series:
        one = request.series.add()
        for name, value in labels.items():
            one.labels.add(name=name, value=value)
        for timestamp, value in samples:
            one.samples.add(timestamp=timestamp, value=value)
    return request


def request_2(*series):
    """Return the same of version 2.0."""
    request = Request2(symbols=[""])
    for labels, samples in series:
        one = request.series.add()
        for text in (text for label in labels.items() for text in label):
            if text not in request.symbols:
                request.symbols.append(text)
            one.labels_refs.append(list(request.symbols).index(text))
        for timestamp, value in samples:
            one.samples.add(timestamp=timestamp, value=value)
    return request


def packed(request):
    """Return ``request`` as it is sent."""
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))
