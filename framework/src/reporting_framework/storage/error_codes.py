"""Translation of storage errors to the framework's.

One table serves obstore, botocore and polars.

S3's codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from reporting_framework._text.messages import system_problem
from reporting_framework.errors import (
    AccessDenied,
    CommitConflict,
    LocationError,
    ObjectMissing,
    ReportingError,
    StorageUnavailable,
)

ENDPOINT = "AWS_ENDPOINT_URL"
"""Environment variable with the address of S3."""


class Problem(NamedTuple):
    """Meaning of an error code.

    Attributes:
        error: The framework's class for it.
        sentence: The problem; ``{code}`` stands for the code, ``{codes}`` for status
            and code.
        fix: The fix; ``{region}`` stands for a bucket's region, ``{endpoint}`` for the
            environment variable with the address of the storage.
    """

    error: type[ReportingError]
    sentence: str
    fix: str = ""


_DENIED = Problem(
    AccessDenied,
    "access denied ({code})",
    "check the credentials and the bucket's policy",
)
_EXPIRED = Problem(
    AccessDenied,
    "the credentials have expired ({code})",
    "get new credentials, such as with aws sso login, and run again",
)
_NO_KEY = Problem(
    AccessDenied,
    "the storage does not know the access key ({code})",
    "check AWS_ACCESS_KEY_ID, AWS_PROFILE and the endpoint",
)
_SECRET = Problem(
    AccessDenied,
    "access denied ({code})",
    "the secret key does not match the access key; check both",
)
_LOGIN = Problem(
    AccessDenied,
    "the credentials cannot be loaded ({code})",
    "check AWS_PROFILE, or log in, such as with aws sso login",
)
_CLOCK = Problem(
    AccessDenied,
    "this machine's clock is too far from the storage's ({code})",
    "set the clock, such as with NTP",
)
_REGION = Problem(
    LocationError,
    "the bucket is in another region ({code})",
    "set AWS_REGION to {region}",
)
_KMS = Problem(
    AccessDenied,
    "the bucket's KMS key cannot be used ({code})",
    "check the key's state and policy",
)
_FULL = Problem(StorageUnavailable, "the storage is full ({code})", "make room there")
_LARGE = Problem(
    LocationError,
    "larger than the storage accepts ({code})",
    "split the output with {{column}} in its key",
)
_BUSY = Problem(
    StorageUnavailable,
    "the storage answered {codes} after all retries",
    "it is too busy; run again later",
)
_FAULT = Problem(
    StorageUnavailable,
    "the storage answered {codes} after all retries",
    "run again later",
)
_ALTERED = Problem(
    StorageUnavailable,
    "the data arrived altered ({code})",
    "check the proxies in between, and run again",
)
_UNSUPPORTED = Problem(
    LocationError,
    "the storage does not support this request ({code})",
    "check that {endpoint} points to an S3 API",
)
_UNCONDITIONAL = Problem(
    LocationError,
    "the storage does not support conditional writes ({code}), which commits need",
    "use a storage that supports them",
)
_NO_BUCKET = Problem(LocationError, "no such bucket", "check its name and {endpoint}")
_NO_OBJECT = Problem(ObjectMissing, "no such object")
_REFUSED = Problem(
    StorageUnavailable,
    "the storage answered {codes}",
    "check the endpoint, and run again",
)
_SILENT = Problem(
    StorageUnavailable,
    "the storage did not answer",
    "check the network and {endpoint}",
)

PROBLEMS: dict[str, Problem] = {
    **dict.fromkeys(
        (
            "AccessDenied",
            "AccessDeniedException",
            "AllAccessDisabled",
            "AccountProblem",
            "InvalidPayer",
            "NotSignedUp",
        ),
        _DENIED,
    ),
    **dict.fromkeys(
        ("InvalidSecurity", "UnauthorizedAccess", "UserSuspended", "401", "403"),
        _DENIED,
    ),
    **dict.fromkeys(
        (
            "ExpiredToken",
            "ExpiredTokenException",
            "TokenRefreshRequired",
            "RequestExpired",
        ),
        _EXPIRED,
    ),
    **dict.fromkeys(
        ("UnauthorizedSSOTokenError", "SSOTokenLoadError", "TokenRetrievalError"),
        _EXPIRED,
    ),
    **dict.fromkeys(
        ("InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException"),
        _NO_KEY,
    ),
    "InvalidToken": Problem(
        AccessDenied,
        "the session token is not valid ({code})",
        "check that AWS_SESSION_TOKEN matches the access key",
    ),
    **dict.fromkeys(("SignatureDoesNotMatch", "InvalidSignatureException"), _SECRET),
    **dict.fromkeys(
        ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"),
        _LOGIN,
    ),
    **dict.fromkeys(
        ("MetadataRetrievalError", "RefreshWithMFAUnsupportedError", "ProfileNotFound"),
        _LOGIN,
    ),
    **dict.fromkeys(
        ("MissingAuthenticationTokenException", "IncompleteSignatureException"), _LOGIN
    ),
    "RequestTimeTooSkewed": _CLOCK,
    **dict.fromkeys(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "301"), _REGION
    ),
    "IllegalLocationConstraintException": _REGION,
    **dict.fromkeys(
        ("TemporaryRedirect", "307"),
        Problem(
            StorageUnavailable,
            "the bucket is new or being moved ({code})",
            "run again in an hour",
        ),
    ),
    "NoSuchBucket": _NO_BUCKET,
    **dict.fromkeys(("ContainerNotFound", "ContainerBeingDeleted"), _NO_BUCKET),
    **dict.fromkeys(("BlobNotFound", "ResourceNotFound"), _NO_OBJECT),
    **dict.fromkeys(
        (
            "AuthenticationFailed",
            "AuthorizationFailure",
            "AuthorizationPermissionMismatch",
            "AccountIsDisabled",
            "InsufficientAccountPermissions",
            "NoAuthenticationInformation",
            "PublicAccessNotPermitted",
        ),
        _DENIED,
    ),
    **dict.fromkeys(("ServerBusy", "OperationTimedOut"), _BUSY),
    "InvalidBucketName": Problem(
        LocationError, "not a valid bucket name ({code})", "check the URI"
    ),
    "NoSuchKey": _NO_OBJECT,
    "InvalidObjectState": Problem(
        AccessDenied, "the object is archived in a cold tier", "restore it first"
    ),
    "KeyTooLongError": Problem(
        LocationError, "the key is too long for the storage ({code})", "shorten it"
    ),
    **dict.fromkeys(("EntityTooLarge", "413"), _LARGE),
    **dict.fromkeys(
        ("InsufficientStorage", "XMinioStorageFull", "QuotaExceeded", "507"), _FULL
    ),
    **dict.fromkeys(
        (
            "KMS.DisabledException",
            "KMS.NotFoundException",
            "KMS.KMSInvalidStateException",
        ),
        _KMS,
    ),
    **dict.fromkeys(("KMS.InvalidKeyUsageException", "KMSKeyDisabled"), _KMS),
    **dict.fromkeys(
        ("BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody", "InvalidDigest"),
        _ALTERED,
    ),
    **dict.fromkeys(("NotImplemented", "501", "MethodNotAllowed", "405"), _UNSUPPORTED),
    **dict.fromkeys(
        ("SlowDown", "ServiceUnavailable", "TooManyRequests", "RequestLimitExceeded"),
        _BUSY,
    ),
    **dict.fromkeys(("Throttling", "ThrottlingException", "429", "503"), _BUSY),
    **dict.fromkeys(("InternalError", "500", "502", "504", "RequestTimeout"), _FAULT),
}
"""Problems by S3's code, botocore's class or the HTTP status; a code takes precedence
over a status.
"""

_TRANSPORT = (
    (
        re.compile(r"certificate|CERTIFICATE_VERIFY_FAILED", re.IGNORECASE),
        Problem(
            LocationError,
            "the certificate of the endpoint is not trusted",
            "set AWS_CA_BUNDLE to the PEM file of the issuing authority",
        ),
    ),
    (
        re.compile(
            r"dns error|lookup address|NameResolution|Name or service not known"
        ),
        Problem(
            StorageUnavailable,
            "the storage did not answer: no such host",
            "check {endpoint}, AWS_REGION and the network",
        ),
    ),
    (
        re.compile(r"proxy", re.IGNORECASE),
        Problem(
            StorageUnavailable,
            "the proxy did not answer",
            "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
        ),
    ),
)
_CODE = re.compile(r"<Code>([\w.]+)</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_PROVIDER = re.compile(r"credential provider: (\w+)")
_LOCAL = (errno.ENOMEM, errno.EMFILE, errno.ENFILE)
"""Errors of this system (memory, descriptors) that prevent a request."""


def codes_of(error: BaseException) -> list[str]:
    """Return S3's code and the HTTP status, the code first.

    Each is left out if the error does not hold it.
    """
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        code = response.get("Error", {}).get("Code") or response.get("Code")
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        codes = [str(text) for text in (code, status) if text]
    else:
        text = str(error)
        codes = [
            match[1]
            for pattern in (_PROVIDER, _CODE, _STATUS)
            if (match := pattern.search(text))
        ]
        if "redirect without LOCATION" in text or isinstance(
            error, RecursionError
        ):  # obstore's; botocore's
            codes.append("301")
    name = type(error).__name__
    return [*dict.fromkeys(codes), *([name] if name in PROBLEMS else [])]


def storage_error(
    error: BaseException,
    where: str,
    *,
    bucket: str = "",
    writing: bool = False,
    region: Callable[[], str | None] = lambda: None,
    endpoint: str = ENDPOINT,
) -> ReportingError:
    """Return the framework's error for an error of obstore, botocore or polars.

    Args:
        error: The error.
        where: URI of the object or folder.
        bucket: URI of its bucket.
        writing: Whether the error is of a conditional write, so that another writer may
            have been first.
        region: Function that returns the bucket's region; called if the bucket is in
            another one.
        endpoint: Environment variable with the address of the storage.
    """
    codes, name = codes_of(error), type(error).__name__
    if name in ("PermissionDeniedError", "UnauthenticatedError", "PermissionError"):
        codes = codes or ["AccessDenied"]
    # S3 answers NoSuchKey if the object that a PUT should replace no longer exists.
    lost = name in ("AlreadyExistsError", "PreconditionError") or {
        "409",
        "412",
        "NoSuchKey",
    } & set(codes)
    if writing and lost:
        return CommitConflict(
            f"{where}: another run has written it meanwhile; run again"
        )
    problem = next((PROBLEMS[code] for code in codes if code in PROBLEMS), None)
    problem = problem or (_REFUSED if codes else _transport(error))
    if writing and problem is _UNSUPPORTED:
        problem = _UNCONDITIONAL
    code = next(
        (code for code in codes if not code.isdigit()),
        "AccessDenied" if problem is _DENIED else "",
    )
    place = region() if problem is _REGION else None
    subject = bucket if problem is _NO_BUCKET and bucket else where
    text = problem_text(
        problem,
        code or "".join(codes[:1]),
        codes=codes,
        region=place,
        endpoint=endpoint,
    )
    return problem.error(f"{subject}: {text}")


def problem_text(
    problem: Problem,
    code: str,
    *,
    codes: Sequence[str] = (),
    region: str | None = None,
    endpoint: str = ENDPOINT,
) -> str:
    """Return the problem and the fix in one line."""
    text = f"{problem.sentence}; {problem.fix}" if problem.fix else problem.sentence
    return text.format(
        code=code,
        codes=", ".join(sorted(codes)),
        region=region or "the bucket's region",
        endpoint=endpoint,
    )


def _transport(error: BaseException) -> Problem:
    """Return the reason for a missing response."""
    if (local := system_problem(error, _LOCAL)) is not None:
        return Problem(StorageUnavailable, local)
    text = str(error)
    return next(
        (problem for pattern, problem in _TRANSPORT if pattern.search(text)), _SILENT
    )
