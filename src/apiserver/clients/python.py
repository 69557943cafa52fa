"""What a Python user does with the resource API, with Debian's python3-kubernetes. Prints each step that worked."""
import sys
from kubernetes import client, config, watch

config.load_kube_config(sys.argv[1])
api = client.CustomObjectsApi()
core = client.CoreV1Api()
place = dict(group="test.heddle.dev", version="v1", namespace="default", plural="robots")


def done(step):
    print(step, flush=True)


def refused(step, status, reason, call):
    try:
        call()
    except client.ApiException as refusal:
        assert refusal.status == status, refusal
        assert f'"reason":"{reason}"' in refusal.body, refusal.body
        done(step)
    else:
        raise AssertionError(f"{step} was not refused")


def robot(name, **spec):
    return {"apiVersion": "test.heddle.dev/v1", "kind": "Robot", "metadata": {"name": name, "labels": {"rack": "r1"}}, "spec": {"model": "r2", **spec}}


assert client.VersionApi().get_code().major == "1"
done("version")
assert "test.heddle.dev" in [group.name for group in client.ApisApi().get_api_versions().groups]
done("discover")
core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name="team")))
assert "team" in [found.metadata.name for found in core.list_namespace().items]
done("create and list namespaces")
created = api.create_namespaced_custom_object(body=robot("a"), **place)
api.create_namespaced_custom_object(body=robot("b"), **place)
done("create")
refused("create what exists: 409", 409, "AlreadyExists", lambda: api.create_namespaced_custom_object(body=robot("a"), **place))
refused("create what is wrong: 422", 422, "Invalid", lambda: api.create_namespaced_custom_object(body=robot("bad", speed=13), **place))
assert api.get_namespaced_custom_object(name="a", **place)["metadata"]["uid"] == created["metadata"]["uid"]
done("get")
refused("get what is not there: 404", 404, "NotFound", lambda: api.get_namespaced_custom_object(name="none", **place))
first = api.list_namespaced_custom_object(limit=1, **place)
rest = api.list_namespaced_custom_object(limit=1, _continue=first["metadata"]["continue"], **place)
assert [found["metadata"]["name"] for found in first["items"] + rest["items"]] == ["a", "b"]
done("list in pages")
assert len(api.list_cluster_custom_object("test.heddle.dev", "v1", "robots", label_selector="rack=r1")["items"]) == 2
done("list by label, in all namespaces")
assert api.patch_namespaced_custom_object(name="a", body={"spec": {"speed": 5}}, **place)["spec"]["speed"] == 5
done("merge patch")
api.patch_namespaced_custom_object_status(name="a", body={"status": {"ready": "1/1"}}, **place)
done("patch the status")
current = api.get_namespaced_custom_object(name="a", **place)
stale = dict(current, spec=dict(current["spec"], speed=6))
api.replace_namespaced_custom_object(name="a", body=stale, **place)
done("replace")
refused("replace what is stale: 409", 409, "Conflict", lambda: api.replace_namespaced_custom_object(name="a", body=stale, **place))
api.delete_namespaced_custom_object(name="b", **place)
done("delete")
listed = api.list_namespaced_custom_object(**place)
api.patch_namespaced_custom_object(name="a", body={"spec": {"speed": 7}}, **place)
for event in watch.Watch().stream(api.list_namespaced_custom_object, resource_version=listed["metadata"]["resourceVersion"], timeout_seconds=10, **place):
    assert (event["type"], event["object"]["spec"]["speed"]) == ("MODIFIED", 7), event
    break
done("watch")
core.create_namespaced_config_map("default", client.V1ConfigMap(metadata=client.V1ObjectMeta(name="notes"), data={"a": "1"}))
core.patch_namespaced_config_map("notes", "default", {"data": {"b": "2"}})
assert core.read_namespaced_config_map("notes", "default").data == {"a": "1", "b": "2"}
core.delete_namespaced_config_map("notes", "default")
done("config maps")
api.delete_collection_namespaced_custom_object(**place)
assert api.list_namespaced_custom_object(**place)["items"] == []
done("delete a collection")
