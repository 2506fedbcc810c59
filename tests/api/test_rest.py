from fastapi.testclient import TestClient
from api.app import create_app
def test_x(installation, tenant):
    app=create_app(installation)
    with TestClient(app) as c:
        r=c.post("/api/v1/cases",json={"title":"Sak om naust"},headers={"Idempotency-Key":"a"})
        print(r.status_code,r.text,r.headers)
        r2=c.post("/api/v1/cases",json={"title":"Sak om naust"},headers={"Idempotency-Key":"a"})
        print(r2.status_code, r2.text)
        r2=c.post("/api/v1/cases",json={"title":"Sak om bru"},headers={"Idempotency-Key":"a"})
        print(r2.status_code, r2.text)
        u=r.json()["id"]
        print(c.get("/api/v1/cases/"+u).text)
        for path in ("/","/cases","/cases/new","/cases/"+u,f"/cases/{u}/entries/new","/journal","/history/"+u,"/log","/healthz","/readyz","/metrics"):
            r=c.get(path); print(path,r.status_code, "" if r.status_code==200 else r.text[:2000])
